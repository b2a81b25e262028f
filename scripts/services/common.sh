# What every server needs: ports, whose process a pid is, starting one that outlives the shell, waiting for it.
# Sourced by scripts/services.sh.

declare -A given # ports that the caller asked for
port_setting() { # variable default
  given[$1]=${!1:-}
  printf -v "$1" %s "${!1:-$2}"
  [[ ${!1} =~ ^[0-9]{1,5}$ ]] && [ "${!1}" -ge 1 ] && [ "${!1}" -le 65535 ] || fail "$1=${!1} is not a port number"
}

# Prints the pid of this folder's server. A pid file alone proves nothing: numbers are used again and folders are copied,
# so the process must be of the right kind and work in this folder. (Another user's cwd may be unreadable: then its arguments.)
running() { # name
  local pid folder
  pid=$(cat "$base/$1.pid" 2>/dev/null) && [[ $pid =~ ^[0-9]+$ ]] || return 1
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$("${1}_process")" ] || return 1
  grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null && return 1
  folder=$("${1}_folder")
  [ "/proc/$pid/cwd" -ef "$folder" ] || tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF -- "$folder" || return 1
  echo "$pid"
}

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

check_ports() { # name
  local variable owner rc=0
  for variable in $("${1}_ports"); do
    port_open "${!variable}" || continue
    owner=$(ss -ltnpH "sport = :${!variable}" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/ (\1, pid \2)/p' | head -n 1) || true
    say "port ${!variable}, which $("${1}_title") needs, is taken by another program$owner: stop that one, or choose another port with $variable=..." >&2
    rc=1
  done
  return $rc
}

# Starts a server in a session of its own, without any open file of this shell; its output goes to var/services/<name>/<name>.log.
launch() { # name user command...
  local name=$1 user=$2 log=$base/$1/$1.log pid_file=$base/$1.pid variable
  shift 2
  [ ! -s "$log" ] || mv -f "$log" "$log.1"
  for variable in $("${name}_ports"); do echo "$variable=${!variable}"; done >"$base/$name/ports"
  rm -f "$pid_file"
  # shellcheck disable=SC2016
  (cd "$("${name}_folder")" && exec setsid bash -c '
    for fd in /proc/self/fd/*; do fd=${fd##*/}; [ "$fd" -le 2 ] || eval "exec $fd>&-"; done
    echo $$ >"$0"
    exec "$@"' "$pid_file" $(as "$user") "$@") </dev/null >"$log" 2>&1 &
  local tries=0
  until [ -s "$pid_file" ]; do
    sleep 0.05
    [ $((tries += 1)) -lt 200 ] || fail "$("${name}_title") could not be launched; its log is var/services/$name/$name.log"
  done
}

as() { # user: the words before a command that make it run as this user
  [ "$1" = "$(id -un)" ] || echo "setpriv --reuid=$1 --regid=$(id -g "$1") --init-groups --"
}

wait_until() { # name
  local pid deadline=$((SECONDS + 180))
  pid=$(cat "$base/$1.pid")
  until "${1}_answers"; do
    if [ ! -d "/proc/$pid" ]; then
      tail -n 8 "$base/$1/$1.log" >&2
      fail "$("${1}_title") ended while it started; its log is var/services/$1/$1.log"
    fi
    [ $SECONDS -lt $deadline ] || fail "$("${1}_title") runs (pid $pid) but did not answer within 3 minutes; its log is var/services/$1/$1.log"
    sleep 0.2
  done
}

bring_up() { # name
  mkdir -p "$base/$1"
  "${1}_prepare"
  "${1}_launch"
  wait_until "$1"
  say "$("${1}_title") is up on $("${1}_address")"
}
