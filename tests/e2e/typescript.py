"""The TypeScript client, generated anew and compiled in a folder that keeps its packages."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "clients/typescript"
LEFT_OUT = shutil.ignore_patterns("node_modules", "dist")


def compiled(leave_out: Callable[[str, str], None]) -> Path:
    """The folder with src/schema.ts as it is made now and dist/. Leaves the test out where npm cannot install."""
    if shutil.which("npm") is None:
        leave_out("the TypeScript client", "npm is not installed; Node 20 or newer brings it")
    folder = _folder()
    if not (folder / "node_modules/.package-lock.json").is_file():
        done = _run(folder, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
        if done.returncode:
            leave_out("the TypeScript client", f"npm ci failed: {done.stderr.strip().splitlines()[-1]}")
    _build(folder)
    return folder


def _folder() -> Path:
    lock = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()[:12]
    folder = ROOT / "var/clients" / lock / "typescript"
    shutil.copytree(SOURCE, folder, ignore=LEFT_OUT, dirs_exist_ok=True)
    shutil.copy(SOURCE.parent / "openapi.json", folder.parent)
    return folder


@cache
def _build(folder: Path) -> None:
    for script in ("generate", "build"):
        done = _run(folder, "npm", "run", "--silent", script)
        assert done.returncode == 0, done.stdout + done.stderr


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
