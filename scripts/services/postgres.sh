# PostgreSQL: a cluster of our own, run by the user who starts it, or by `postgres` where that is root.
# Role and database `setwise`; the password is made here and kept in var/services/postgres/password.
port_setting SERVICES_POSTGRES_PORT 5432
unset "${!PG@}" # the caller's own PGHOST, PGSERVICE, ... are about other servers

postgres_title() { echo PostgreSQL; }
postgres_process() { echo postgres; }
postgres_ports() { echo SERVICES_POSTGRES_PORT; }
postgres_address() { echo "127.0.0.1:$SERVICES_POSTGRES_PORT"; }
postgres_signal() { echo INT; } # fast: TERM would wait for every client to leave
postgres_missing() { :; }
postgres_packages() { [ -n "$(postgres_bin)" ] || echo postgresql; }

postgres_bin() { # the programs that fit the data, else the newest
  local version
  version=$(cat "$(postgres_folder)/PG_VERSION" 2>/dev/null) || version='*'
  # shellcheck disable=SC2086
  ls -d /usr/lib/postgresql/$version/bin/initdb 2>/dev/null | sort -V | tail -n 1 | xargs -r dirname && return
  command -v initdb | xargs -r readlink -f | xargs -r dirname
}

postgres_user() {
  if [ "$(id -u)" = 0 ]; then echo postgres; else id -un; fi
}

# Where root runs this, the user postgres must be able to enter the folder, and a socket's path may have 107 characters.
postgres_home() {
  local home=$base/postgres
  if [ "$(id -u)" = 0 ] && id postgres >/dev/null 2>&1 &&
    { [ ${#home} -gt 80 ] || ! $(as postgres) test -x "$(nearest_folder "$home")"; }; then
    home=/var/lib/setwise-$(echo "$root" | cksum | cut -d' ' -f1)
  fi
  echo "$home"
}
nearest_folder() { local folder=$1; until [ -d "$folder" ]; do folder=$(dirname "$folder"); done; echo "$folder"; }
postgres_folder() { echo "$(postgres_home)/data"; }

postgres_prepare() {
  local home user bin
  home=$(postgres_home) user=$(postgres_user) bin=$(postgres_bin)
  [ ${#home} -le 80 ] || fail "the path of this folder is too long for PostgreSQL's socket; move the folder to a shorter path"
  [ "$home" = "$base/postgres" ] ||
    say "PostgreSQL's data goes to $home, since its user cannot enter $root"
  install -d "$home"
  install -d -m 700 -o "$user" "$home/data" "$home/run"
  if [ ! -f "$home/data/PG_VERSION" ]; then
    (cd / && $(as "$user") "$bin/initdb" --pgdata "$home/data" --encoding UTF8 --locale C \
      --auth-local peer --auth-host scram-sha-256) >"$base/postgres/initdb.log" 2>&1 ||
      { tail -n 5 "$base/postgres/initdb.log" >&2; fail "PostgreSQL's data folder could not be made; see var/services/postgres/initdb.log"; }
  fi
  [ -s "$base/postgres/password" ] ||
    (umask 077; od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$base/postgres/password")
}

postgres_launch() {
  local home user bin
  home=$(postgres_home) user=$(postgres_user) bin=$(postgres_bin)
  launch postgres "$user" "$bin/postgres" -D "$home/data" -c listen_addresses=127.0.0.1 -c "port=$SERVICES_POSTGRES_PORT" \
    -c "unix_socket_directories=$home/run" -c logging_collector=off
  until (cd / && $(as "$user") "$bin/pg_isready" -q -h "$home/run" -p "$SERVICES_POSTGRES_PORT"); do
    [ -d "/proc/$(cat "$base/postgres.pid")" ] || return 0 # wait_until tells what happened
    sleep 0.1
  done
  postgres_make_role "$home" "$user" "$bin"
}

postgres_make_role() { # home user bin
  (cd / && $(as "$2") "$3/psql" -XqAt -v ON_ERROR_STOP=1 -h "$1/run" -p "$SERVICES_POSTGRES_PORT" -d postgres) \
    >"$base/postgres/role.log" 2>&1 <<EOF || { cat "$base/postgres/role.log" >&2; fail "PostgreSQL's role and database setwise could not be made"; }
SELECT 'CREATE ROLE setwise LOGIN CREATEDB CREATEROLE' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'setwise') \gexec
ALTER ROLE setwise CREATEROLE PASSWORD '$(cat "$base/postgres/password")';
SELECT 'CREATE DATABASE setwise OWNER setwise' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'setwise') \gexec
EOF
}

postgres_url() { echo "postgresql://setwise:$(cat "$base/postgres/password")@127.0.0.1:$SERVICES_POSTGRES_PORT/setwise"; }
postgres_answers() {
  [ "$(PGPASSWORD=$(cat "$base/postgres/password" 2>/dev/null) PGCONNECT_TIMEOUT=2 "$(postgres_bin)/psql" -XAtq -w -h 127.0.0.1 \
    -p "$SERVICES_POSTGRES_PORT" -U setwise -d setwise -c 'SELECT 1' 2>/dev/null)" = 1 ]
}
