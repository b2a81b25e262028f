"""python -m benchmarks.examples: runs the examples of docs/api.md and README.md, and the prompts of docs/examples.md.

Builds the sample shop and the small shops of tests/understanding with the real job (again only where something
changed), asks the service in this process, and writes the documents with the answers that came."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.examples.api import run_api_examples
from benchmarks.examples.readme import run_readme_example
from benchmarks.examples.thirty import run_prompts

ROOT = Path(__file__).parents[2]
SHOPS = ROOT / "tests" / "understanding" / "shops"


def build(shop: str, work: Path) -> Path:
    """The data folder of a shop's release; 'sample' is the sample shop."""
    folder = work / shop
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_")}
    environ |= {"SETWISE_DATA_DIR": str(folder), "PYTHONWARNINGS": "ignore"}
    if shop != "sample":
        environ["SETWISE_FEED"] = str(SHOPS / f"{shop}.jsonl")
    print(f"building {shop} ...", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "orchestration", "build"],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"setwise: {shop} was not built: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return folder


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.examples", description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "var" / "examples", help="where the shops are built")
    parser.add_argument("--only", choices=["api", "prompts"], help="api.md with the README, or the prompts")
    options = parser.parse_args()
    if options.only != "prompts":
        sample = build("sample", options.work)
        run_api_examples(ROOT / "docs" / "api.md", sample)
        run_readme_example(ROOT / "README.md", sample)
    if options.only != "api":
        run_prompts(ROOT / "docs" / "examples.md", lambda shop: build(shop, options.work))


if __name__ == "__main__":
    main()
