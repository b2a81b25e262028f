"""Executes each ```http block of a document; the answer goes into the ```json block behind it, events into ```text."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.examples.service import serve_folder

_EXAMPLE = re.compile(r"```http\n(?P<request>.*?)```\n\n```(?:json|text) (?P<status>\d{3})\n.*?```", re.S)
_LONG = ("link", "image_link", "request_id", "release", "timings_ms", "experiment", "degraded", "alternatives")
MAX_LISTED = 2
WIDEST = 150
Send = Callable[[str, str, dict[str, str], Any], tuple[int, dict[str, str], Any]]


def examples(text: str) -> Iterator[tuple[str, int]]:
    """Request and expected status of each example."""
    for match in _EXAMPLE.finditer(text):
        yield match["request"], int(match["status"])


class Runner:
    """Sends examples in order; `{bundle_id}` and the like stand for values of the latest answers."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._known: dict[str, str] = {"version": "0"}

    def run(self, request: str) -> tuple[int, Any]:
        """Status and decoded answer of 'POST /path', header lines and a JSON body."""
        for name, value in self._known.items():
            request = request.replace("{" + name + "}", value)
        head, _, body = request.partition("\n\n")
        first, *lines = head.strip().splitlines()
        method, path = first.split(" ", 1)
        headers = dict(line.split(": ", 1) for line in lines)
        status, replied, answer = self._send(method, path, headers, json.loads(body) if body.strip() else None)
        self._learn(answer)
        if "etag" in replied:
            self._known["version"] = replied["etag"].strip('"')
        return status, answer

    def _learn(self, answer: Any) -> None:
        if not isinstance(answer, dict):
            return
        bundles = answer.get("bundles") or ([answer] if "bundle_id" in answer else [])
        if "events_url" in answer:
            self._known["request"] = answer["request_id"]
        if bundles:
            self._known["bundle_id"] = bundles[0]["bundle_id"]
            self._known |= {f"product_{n}": item["product_id"] for n, item in enumerate(bundles[0]["items"], 1)}
        if nothing := answer.get("infeasible"):
            self._known["cheapest"] = str(nothing["cheapest_total_cents"])


def client_sender(client: Any) -> Send:
    """Sends through a test client or any client with `request`."""

    def send(method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], Any]:
        reply = client.request(method, path, headers=headers, json=body)
        if reply.headers.get("content-type", "").startswith("text/event-stream"):
            return reply.status_code, dict(reply.headers), reply.text.replace("\r\n", "\n")
        return reply.status_code, dict(reply.headers), reply.json() if reply.content else None

    return send


def shortened(value: Any) -> Any:
    """The answer without what is long and says little: lists are cut, their length is told."""
    if isinstance(value, dict):
        return {
            key: shortened(inner) for key, inner in value.items() if key not in _LONG and inner not in ([], {}, None)
        }
    if isinstance(value, list):
        kept = [shortened(inner) for inner in value[:MAX_LISTED]]
        return kept + ([f"and {len(value) - MAX_LISTED} more"] if len(value) > MAX_LISTED else [])
    return round(value, 3) if isinstance(value, float) else value


def shortened_events(text: str) -> str:
    """A stream as it came, each event's data as far as it fits on a line."""
    lines = text.strip().split("\n")
    return "\n".join(line if len(line) <= WIDEST else line[: WIDEST - 4] + " ..." for line in lines)


def run_api_examples(document: Path, data_dir: Path) -> None:
    """Writes the document anew with the answers of this shop, which starts without rules."""
    for file in data_dir.glob("rules.db*"):
        file.unlink()
    with serve_folder(data_dir) as client:
        runner = Runner(client_sender(client))

        def answered(match: re.Match[str]) -> str:
            status, answer = runner.run(match["request"])
            if status != int(match["status"]):
                raise SystemExit(f"setwise: {match['request']}\nwas answered {status}, not {match['status']}: {answer}")
            if isinstance(answer, str):
                return f"```http\n{match['request']}```\n\n```text {status}\n{shortened_events(answer)}\n```"
            shown = json.dumps(shortened(answer), indent=1, ensure_ascii=False)
            return f"```http\n{match['request']}```\n\n```json {status}\n{_compact(shown)}\n```"

        document.write_text(_EXAMPLE.sub(answered, document.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{document.name}: every example was executed")


def _compact(text: str) -> str:
    """Short objects and lists on one line."""
    previous = ""
    while previous != text:
        previous = text
        text = re.sub(
            r"([\[{])\n\s+([^\[\]{}]{1,110}?)\n\s*([\]}])",
            lambda m: m[1] + re.sub(r"\n\s+", " ", m[2]) + m[3] if len(m[2]) < 110 else m[0],
            text,
        )
    return text
