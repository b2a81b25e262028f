"""The TypeScript client, generated anew and compiled once for a run, in a folder that keeps its packages."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from built_once import shared_folder, until_it_is_there

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "clients/typescript"
LEFT_OUT = shutil.ignore_patterns("node_modules", "dist")


def compiled(leave_out: Callable[[str, str], None]) -> Path:
    """The folder with src/schema.ts as it is made now and dist/. Leaves the test out where npm cannot install."""
    if shutil.which("npm") is None:
        leave_out("the TypeScript client", "npm is not installed; Node 20 or newer brings it")
    made = shared_folder() / "typescript"
    with until_it_is_there(made):
        folder = ROOT / "var/clients" / _lock() / "typescript"
        if made.exists():
            return folder
        shutil.copytree(SOURCE, folder, ignore=LEFT_OUT, dirs_exist_ok=True)
        shutil.copy(SOURCE.parent / "openapi.json", folder.parent)
        if not (folder / "node_modules/.package-lock.json").is_file():
            done = _run(folder, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
            if done.returncode:
                leave_out("the TypeScript client", f"npm ci failed: {done.stderr.strip().splitlines()[-1]}")
        for script in ("generate", "build"):
            done = _run(folder, "npm", "run", "--silent", script)
            assert done.returncode == 0, done.stdout + done.stderr
        made.mkdir()
    return folder


def _lock() -> str:
    return hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()[:12]


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
