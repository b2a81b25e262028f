#!/usr/bin/env bash
# Installs the load generator of `make bench` into var/bench/bin, by Go's own module client.
set -euo pipefail
cd "$(dirname "$0")/.."
VERSION=v12.12.0
target="$PWD/var/bench/bin"
[[ -x "$target/vegeta" ]] && exit 0
command -v go >/dev/null || { echo "setwise: the load generator needs Go 1.22 or newer; install it and try again" >&2; exit 1; }
mkdir -p "$target"
echo "installing vegeta $VERSION"
GOBIN="$target" go install "github.com/tsenart/vegeta/v12@$VERSION"
