"""What browsers load: pages that are asked for anew, and files whose address names their content, kept for ever."""

import hashlib
import mimetypes
from functools import cache
from pathlib import Path
from typing import NamedTuple

from litestar import Response, get
from litestar.params import FromPath

from online.doors import OPEN
from online.problems import ProblemError
from online.routes import Any_Request

WEB = Path(__file__).parent / "web"
ANEW = "no-cache"
"""Kept, but asked for again each time: an upgrade is seen at once."""
FOR_EVER = "public, max-age=31536000, immutable"
SOMETIMES = "public, max-age=300"
"""The script on shops' own pages, which has one address for all versions."""
SNIPPET = "setwise.js"


class WebFile(NamedTuple):
    """A file as it is sent."""

    content: bytes
    media_type: str


class WebFiles(NamedTuple):
    """All of them by their path below web/, and the version that their addresses name."""

    version: str
    by_path: dict[str, WebFile]

    def page(self, path: str) -> bytes:
        """A page whose links to /web/ lead to this version."""
        return self.by_path[path].content.replace(b'"/web/', f'"/web/{self.version}/'.encode())


@cache
def web_files(folder: Path = WEB) -> WebFiles:
    """Read once: some 200 kB. The version is a hash of all of it, as modules name each other by relative addresses."""
    found, seen = dict[str, WebFile](), hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name, content = file.relative_to(folder).as_posix(), file.read_bytes()
        seen.update(f"{name} {len(content)} ".encode() + content)
        found[name] = WebFile(content, mimetypes.guess_type(name)[0] or "application/octet-stream")
    return WebFiles(seen.hexdigest()[:16], found)


def sent(request: Any_Request, content: bytes, media_type: str, kept: str) -> Response[bytes]:
    """With an ETag; 304 for a browser that has it already."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"Cache-Control": kept, "ETag": etag}
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers, media_type=media_type)
    return Response(content, media_type=media_type, headers=headers)


@get("/web/{version:str}/{path:path}", opt=OPEN, include_in_schema=False)
async def web_file(request: Any_Request, version: FromPath[str], path: FromPath[str]) -> Response[bytes]:
    """Of another version too, as a page of before an upgrade may still be open; then it is not kept."""
    files = web_files()
    found = files.by_path.get(path.lstrip("/"))
    if found is None:
        raise ProblemError(404, "Not Found", "there is no such file")
    return sent(request, *found, kept=FOR_EVER if version == files.version else ANEW)


@get(f"/web/{SNIPPET}", opt=OPEN, include_in_schema=False)
async def snippet(request: Any_Request) -> Response[bytes]:
    """The script of shops' own pages (docs/events.md)."""
    return sent(request, *web_files().by_path[SNIPPET], kept=SOMETIMES)


HANDLERS = (web_file, snippet)
