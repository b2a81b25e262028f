"""What an installed Setwise has: every module and data file, and commands that exist."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from setwise_cli import COMMANDS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built offline, from what the working tree holds."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [str(UV), "build", "--wheel", "--no-build-isolation", "--offline", "--quiet", "--out-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel alone, in a folder of its own."""
    folder = tmp_path_factory.mktemp("installed")
    command = [str(UV), "pip", "install", "--quiet", "--offline", "--no-deps", "--target", str(folder), str(wheel)]
    done = subprocess.run([*command, "--python", sys.executable], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def run(installed: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Elsewhere, where only the installed files can be found."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_")} | {"PYTHONPATH": str(installed)}
    return subprocess.run(command, capture_output=True, text=True, cwd=installed, env=environ, check=False)


def files_of(folder: str) -> set[str]:
    paths = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(ROOT)) for path in paths}


def test_the_wheel_has_every_file_of_the_packages_and_the_dbt_project_and_nothing_else(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {name for package in PACKAGES for name in files_of(package)}
    expected |= {f"orchestration/dbt_project/{name.removeprefix('dbt/')}" for name in files_of("dbt")}
    assert packed == expected
    assert len({name for name in packed if not name.endswith(".py")}) > 50


def test_the_installed_command_lists_what_there_is_and_says_what_is_missing(installed: Path) -> None:
    program = shutil.which("setwise", path=str(installed / "bin")) or ""
    listed = run(installed, sys.executable, program, "--help")
    assert listed.returncode == 0 and all(f"  {name} " in listed.stdout for name in COMMANDS)
    assert run(installed, sys.executable, program, "--version").stdout.strip() == PROJECT["project"]["version"]
    unknown = run(installed, sys.executable, program, "sell")
    assert unknown.returncode == 2 and "'sell' is no command" in unknown.stderr


def test_a_command_runs_the_installed_module_with_its_words(installed: Path) -> None:
    asked = run(installed, sys.executable, "-m", "setwise_cli", "home", "--help")
    assert (asked.returncode, asked.stdout.split()[:2]) == (0, ["usage:", "python"]), asked.stderr
    where = "import orchestration.project, orchestration.tables as t; from orchestration.boards import content, reports"
    where += "; print(t.MODELS, len(t.questions()), len(content.boards()), len(reports.statements()))"
    said = run(installed, sys.executable, "-c", where)
    assert said.returncode == 0, said.stderr
    models, *counts = said.stdout.split()
    assert Path(models).is_relative_to(installed) and Path(models).is_file() and min(map(int, counts)) >= 5


def test_every_command_names_a_module_that_can_be_run_and_an_extra_that_can_be_installed() -> None:
    for name, command in COMMANDS.items():
        found = importlib.util.find_spec(command.module)
        assert found is not None, name
        if found.submodule_search_locations:
            assert importlib.util.find_spec(f"{command.module}.__main__") is not None, name
        assert command.extra in PROJECT["project"]["optional-dependencies"], name


def test_who_only_asks_installs_nothing_that_computes() -> None:
    needed = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["client"]]
    assert {re.split(r"[<>=!]", one)[0] for one in needed} == {"msgspec", "httpx"}


def test_the_changelog_begins_with_the_version_of_the_project_and_the_images_have_the_packages() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None and newest[1] == PROJECT["project"]["version"]
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {*PACKAGES, "dbt", "pyproject.toml", "uv.lock", PROJECT["project"]["readme"], "LICENSE"} == let_in
