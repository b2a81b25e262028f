#!/usr/bin/env bash
# Redis, PostgreSQL, Kafka and Weaviate without a container engine: start, stop and status of this folder's own servers.
# Data, logs and pid files lie under var/services; ports come from SERVICES_*_PORT. With Docker: compose.yaml.
set -euo pipefail
umask 022
cd "$(dirname "$0")/.."
root=$PWD
base=$root/var/services
services="redis postgres kafka weaviate"

say() { echo "setwise: $*"; }
fail() { echo "setwise: $*" >&2; exit 1; }
# shellcheck source=/dev/null
for name in common $services; do . "scripts/services/$name.sh"; done

# Takes up the ports of servers that run already; asking for another one while they run is refused.
take_recorded_ports() {
  local name line variable
  for name in $services; do
    running "$name" >/dev/null && [ -f "$base/$name/ports" ] || continue
    while read -r line; do
      variable=${line%%=*}
      [ "$1" != start ] || [ -z "${given[$variable]:-}" ] || [ "${given[$variable]}" = "${line#*=}" ] ||
        fail "$("${name}_title") of this folder runs already with $line, not ${given[$variable]}; run 'make services-stop' first"
      printf -v "$variable" %s "${line#*=}"
    done <"$base/$name/ports"
  done
}

install_packages() { # package...
  local sudo=() made_policy=""
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  say "installing $* (apt-get)"
  # The packages would start servers of their own on the same ports: keep them from it during the installation.
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    made_policy=yes
    printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee /usr/sbin/policy-rc.d >/dev/null
    "${sudo[@]}" chmod 755 /usr/sbin/policy-rc.d
  fi
  local rc=0
  { "${sudo[@]}" apt-get update -qq &&
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
    </dev/null >"$base/apt.log" 2>&1 || rc=$?
  [ -z "$made_policy" ] || "${sudo[@]}" rm -f /usr/sbin/policy-rc.d
  if [ "$rc" != 0 ]; then tail -n 5 "$base/apt.log" >&2; fail "apt-get could not install $*; its output is in var/services/apt.log"; fi
  if [ -d /run/systemd/system ]; then # nor at the next boot
    for package in "$@"; do "${sudo[@]}" systemctl disable --quiet "$package" 2>/dev/null || true; done
  fi
}

start() {
  local name jobs=() packages=() down=() problems=0 failed=0
  [ "$(uname -s)" = Linux ] || fail "make services works on Linux only; use Docker: docker compose up -d --wait"
  take_recorded_ports start
  for name in $services; do
    if running "$name" >/dev/null; then
      if "${name}_answers"; then say "$("${name}_title") is already up on $("${name}_address")"; continue; fi
      wait_until "$name" || problems=1
    else
      down+=("$name")
    fi
  done
  for name in "${down[@]}"; do
    check_ports "$name" || problems=1
    "${name}_missing" || problems=1
    if "${name}_packages" | grep -q .; then packages+=("$("${name}_packages")"); fi
  done
  # promtool comes with it: the tests try the alert rules. Its server is not started.
  command -v promtool >/dev/null || packages+=(prometheus)
  # The tests look at pages with it.
  command -v chromium >/dev/null || packages+=(chromium)
  if [ ${#packages[@]} -gt 0 ]; then
    command -v apt-get >/dev/null ||
      { say "${packages[*]} must be installed and this system has no apt-get: install it with this system's own package manager, or use compose.yaml" >&2; problems=1; }
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
      { say "installing ${packages[*]} needs root or sudo: run 'apt-get install ${packages[*]}' as root, then this again, or use compose.yaml" >&2; problems=1; }
  fi
  [ $problems = 0 ] || exit 1

  # Each job is a process group of its own, so that Ctrl-C ends a download or a build, but no server.
  set -m
  trap 'for job in "${jobs[@]}"; do kill -- "-$job" 2>/dev/null || true; done; exit 130' INT TERM
  for name in "${down[@]}"; do
    case $name in kafka | weaviate) bring_up "$name" & jobs+=($!) ;; esac
  done
  [ ${#packages[@]} = 0 ] || (install_packages "${packages[@]}") || failed=1
  for name in "${down[@]}"; do
    case $name in redis | postgres) [ $failed = 1 ] || { bring_up "$name" & jobs+=($!); } ;; esac
  done
  for job in "${jobs[@]}"; do wait "$job" || failed=1; done
  trap - INT TERM
  [ $failed = 0 ] || fail "not every server is up; see the lines above ('make services-stop' ends the others)"

  (umask 077; cat >"$base/env.new" <<EOF
export SETWISE_VECTORS=weaviate SETWISE_WEAVIATE_HTTP_PORT=$SERVICES_WEAVIATE_PORT SETWISE_WEAVIATE_GRPC_PORT=$SERVICES_WEAVIATE_GRPC_PORT
export SETWISE_FEATURES=redis SETWISE_REDIS_URL=redis://127.0.0.1:$SERVICES_REDIS_PORT/0
export SETWISE_RULES=redis SETWISE_BUNDLES=redis SETWISE_REQUESTS=redis SETWISE_KEYS=redis SETWISE_CACHE=redis SETWISE_EVENTS_SEEN=redis
export SETWISE_LOG=kafka SETWISE_KAFKA_BROKERS=127.0.0.1:$SERVICES_KAFKA_PORT
export SETWISE_DAGSTER_POSTGRES_URL=$(postgres_url)
export SETWISE_WAREHOUSE=postgres SETWISE_WAREHOUSE_POSTGRES_URL=$(postgres_url)
EOF
  )
  mv -f "$base/env.new" "$base/env"
  say "to use them (the same lines are in var/services/env):"
  cat "$base/env"
}

stop() {
  local name pid deadline=$((SECONDS + 20)) stopping=()
  for name in $services; do
    if ! pid=$(running "$name"); then
      say "$("${name}_title") was not running"
      rm -f "$base/$name.pid"
    elif kill -s "$("${name}_signal")" "$pid" 2>/dev/null; then
      stopping+=("$name")
    elif [ -d "/proc/$pid" ]; then
      fail "$("${name}_title") (pid $pid) was started by another user; stop it as that user"
    fi
  done
  for name in "${stopping[@]}"; do
    while pid=$(running "$name"); do
      if [ $SECONDS -ge $deadline ]; then kill -KILL "$pid" 2>/dev/null || true; fi
      sleep 0.1
    done
    rm -f "$base/$name.pid"
    say "$("${name}_title") is stopped"
  done
}

status() {
  local name pid all_up=0
  take_recorded_ports status
  for name in $services; do
    if ! pid=$(running "$name"); then
      all_up=1; printf '%-11s down\n' "$("${name}_title")"
    elif "${name}_answers"; then
      printf '%-11s up    %s  pid %s\n' "$("${name}_title")" "$("${name}_address")" "$pid"
    else
      all_up=1; printf '%-11s does not answer  %s  pid %s, log var/services/%s/%s.log\n' "$("${name}_title")" "$("${name}_address")" "$pid" "$name" "$name"
    fi
  done
  return $all_up
}

case "${1:-}" in
  start | stop)
    mkdir -p "$base"
    exec 9>"$base/lock"
    flock -n 9 || { say "another run is starting or stopping the servers of this folder; waiting for it"; flock 9; }
    "$1" ;;
  status) status ;;
  *) fail "usage: scripts/services.sh start|stop|status" ;;
esac
