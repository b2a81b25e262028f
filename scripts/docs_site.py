"""How do the documents become a site? Hooks of MkDocs: pages from outside docs/, and links that hold there."""

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
OUTSIDE = {"index.md": "README.md", "architecture.md": "ARCHITECTURE.md", "changelog.md": "CHANGELOG.md"}
DECISIONS = "adr/index.md"
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])+)\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)")
FENCE_WORDS = re.compile(r"^(```\w+) .*$", re.MULTILINE)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Leaves out of the navigation what is not there, and adds under `More` what it does not name."""
    made = {*OUTSIDE, DECISIONS}
    there = made | {path.name for path in (ROOT / "docs").glob("*.md")}
    config.nav = [entry for entry in (_kept(entry, there) for entry in config.nav or []) if entry]
    named = set(re.findall(r"[\w/-]+\.md", str(config.nav)))
    if more := sorted(there - named):
        config.nav.append({"More": more})
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds the documents from outside docs/ and the list of decisions."""
    for name, source in OUTSIDE.items():
        files.append(File.generated(config, name, content=(ROOT / source).read_text()))
    files.append(File.generated(config, DECISIONS, content=_decisions()))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links and pictures between documents hold; a link to another file of the repository becomes its path."""
    source = page.file.src_uri
    folder = ROOT if source in OUTSIDE else (ROOT / "docs" / source).parent
    pages = {str(ROOT / outside): name for name, outside in OUTSIDE.items()}
    pages |= {str(ROOT / "docs" / file.src_uri): file.src_uri for file in files if file.src_uri not in OUTSIDE}
    pages[str(ROOT / "docs" / "adr")] = DECISIONS

    def held(found: re.Match[str]) -> str:
        mark, text, target, anchor = found[1], found[2], os.path.normpath(folder / found[3]), found[4] or ""
        if target in pages:
            return f"{mark}[{text}]({os.path.relpath(pages[target], os.path.dirname(source) or '.')}{anchor})"  # noqa: PTH120
        if mark or not Path(target).exists():
            return found[0]  # MkDocs says that it leads nowhere
        path = os.path.relpath(target, ROOT)
        return f"`{path}`" if text.strip("`") == path else f"{text} (`{path}`)"

    return FENCE_WORDS.sub(r"\1", LINK.sub(held, markdown))


def _kept(entry: Any, there: set[str]) -> Any:
    [(title, pages)] = entry.items()
    if isinstance(pages, list):
        return {title: [page for page in pages if page in there]}
    return entry if pages in there else None


def _decisions() -> str:
    lines = ["# Decisions", ""]
    for path in sorted((ROOT / "docs/adr").glob("0*.md")):
        lines.append(f"- [{path.read_text().splitlines()[0].lstrip('# ')}]({path.name})")
    return "\n".join([*lines, ""])
