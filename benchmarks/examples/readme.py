"""Executes the README's one call: asks the service, has jq select of its answer, and writes what came below it."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.examples.service import serve_folder

CALL = re.compile(
    r"```sh\ncurl [^\n]*(?P<path>/v1/\w+)[^\n]*\n +-d '(?P<body>[^']+)' \\\n +\| jq -c '(?P<selection>[^']+)'\n```\n\n"
    r"```json\n(?P<answer>.*?)```",
    re.S,
)


def selected(answer: Any, selection: str) -> str:
    """What jq makes of an answer, one line a value."""
    if shutil.which("jq") is None:
        raise SystemExit("setwise: jq is not installed, and the README shows what it selects")
    done = subprocess.run(
        ["jq", "-c", selection], input=json.dumps(answer), capture_output=True, text=True, check=True
    )  # fmt: skip
    return done.stdout


def run_readme_example(document: Path, data_dir: Path) -> None:
    """Writes the document anew with the answer of this shop."""
    text = document.read_text(encoding="utf-8")
    call = CALL.search(text)
    if call is None:
        raise SystemExit(f"setwise: {document.name} has no call that can be executed")
    with serve_folder(data_dir) as client:
        reply = client.post(call["path"], json=json.loads(call["body"]))
        reply.raise_for_status()
    start, end = call.span("answer")
    document.write_text(text[:start] + selected(reply.json(), call["selection"]) + text[end:], encoding="utf-8")
    print(f"{document.name}: its call was executed")
