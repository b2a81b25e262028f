# Redis: the package's server with a folder of our own; every write is logged, so that it survives a restart.
port_setting SERVICES_REDIS_PORT 6379

redis_title() { echo Redis; }
redis_process() { echo redis-server; }
redis_folder() { echo "$base/redis/data"; }
redis_ports() { echo SERVICES_REDIS_PORT; }
redis_address() { echo "127.0.0.1:$SERVICES_REDIS_PORT"; }
redis_signal() { echo TERM; }
redis_missing() { :; }
redis_packages() { command -v redis-server >/dev/null && command -v redis-cli >/dev/null || echo redis-server; }
redis_prepare() { mkdir -p "$(redis_folder)"; }
redis_launch() {
  launch redis "$(id -un)" redis-server --bind 127.0.0.1 --port "$SERVICES_REDIS_PORT" --dir "$(redis_folder)" --appendonly yes --daemonize no
}
redis_answers() { [ "$(timeout 2 redis-cli -h 127.0.0.1 -p "$SERVICES_REDIS_PORT" ping 2>/dev/null)" = PONG ]; }
