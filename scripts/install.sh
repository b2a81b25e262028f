#!/usr/bin/env bash
# Makes .venv from uv.lock: Python 3.11 or 3.12 with venv or pip is all it needs.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() { echo "setwise: $*" >&2; exit 1; }

python=""
for candidate in python3.12 python3.11 python3; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || fail "Python 3.11 or 3.12 is needed and none was found on PATH; on Debian 12: apt-get install python3-venv"

free_kb=$(df -Pk . | awk 'NR==2 {print $4}')
[ -x .venv/bin/dagster ] || [ "$free_kb" -ge 9000000 ] || fail "about 9 GB of free disk are needed for the Python environment, $((free_kb / 1000000)) GB are free here; free some space or move the folder"

if [ ! -x .venv/bin/python ]; then
  echo "setwise: making .venv with $("$python" --version)"
  "$python" -m venv .venv 2>/dev/null || { rm -rf .venv; "$python" -m venv --without-pip .venv; } ||
    fail "this Python cannot make virtual environments; on Debian 12: apt-get install python3-venv"
fi
if [ ! -x .venv/bin/uv ]; then
  if [ -x .venv/bin/pip ]; then
    .venv/bin/pip install --quiet --disable-pip-version-check uv
  else
    "$python" -m pip --python .venv/bin/python install --quiet --disable-pip-version-check uv 2>/dev/null ||
      fail "neither venv nor pip works in this Python; on Debian 12: apt-get install python3-venv"
  fi
fi
echo "setwise: installing what uv.lock names (the first time some gigabytes: a minute or two where nothing else uses cores and network)"
quiet=--quiet
[ ! -t 2 ] || quiet=  # whoever looks on sees what is being loaded
# Compiled once here: where Python may not write its byte code, each process would compile everything again for seconds.
.venv/bin/uv sync --frozen --all-extras --inexact --compile-bytecode $quiet ||
  fail "installing the locked packages failed; see the lines above (network, proxy or disk; behind a proxy with certificates of its own set UV_SYSTEM_CERTS=true), then run the command again"
