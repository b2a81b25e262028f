import subprocess
import sys
from pathlib import Path

FORBIDDEN = {"dagster", "torch", "transformers", "sentence_transformers", "feast", "pandas"}
ROOT = Path(__file__).parents[2]


def test_the_service_loads_none_of_the_heavy_libraries() -> None:
    script = (
        "import sys, online.app, online.__main__; print('\\n'.join(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert "litestar" in loaded.split()
    assert FORBIDDEN.isdisjoint(loaded.split())


def test_no_module_is_longer_than_400_lines() -> None:
    folders = ("setwise", "online", "orchestration", "feature_repo", "benchmarks", "scripts", "tests")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert [str(p.relative_to(ROOT)) for p in files if len(p.read_text().splitlines()) > 400] == []
