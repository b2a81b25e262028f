# Weaviate: one node, built by Go from its public module; anonymous, without vectorizers. HTTP, gossip and raft listen on loopback;
# gRPC and the cluster's data port have no setting for an address and listen everywhere: keep them behind a firewall.
# USE_INVERTED_SEARCHABLE=false: the block-max search of 1.37.0 loses the best matches among what was just written
# (github.com/weaviate/weaviate/pull/11780); a server of your own wants this setting too, or a version with that fix.
weaviate_version=v1.37.0
port_setting SERVICES_WEAVIATE_PORT 8080
port_setting SERVICES_WEAVIATE_GRPC_PORT 50051
port_setting SERVICES_WEAVIATE_GOSSIP_PORT 7946
port_setting SERVICES_WEAVIATE_DATA_PORT 7947
port_setting SERVICES_WEAVIATE_RAFT_PORT 8300
port_setting SERVICES_WEAVIATE_RAFT_RPC_PORT 8301

weaviate_title() { echo Weaviate; }
weaviate_process() { echo weaviate-server; }
weaviate_folder() { echo "$base/weaviate/data"; }
weaviate_ports() { echo "SERVICES_WEAVIATE_PORT SERVICES_WEAVIATE_GRPC_PORT" SERVICES_WEAVIATE_{GOSSIP,DATA,RAFT,RAFT_RPC}_PORT; }
weaviate_address() { echo "127.0.0.1:$SERVICES_WEAVIATE_PORT (gRPC $SERVICES_WEAVIATE_GRPC_PORT)"; }
weaviate_signal() { echo TERM; }
weaviate_packages() { :; }
weaviate_binary() { echo "$base/bin/$weaviate_version/weaviate-server"; }

weaviate_missing() {
  local version
  [ ! -x "$(weaviate_binary)" ] || return 0
  version=$(go env GOVERSION 2>/dev/null) || true
  [[ $version =~ ^go1\.([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 25 ] && return 0
  say "Weaviate is built with Go 1.25 or newer and ${version:-none} is on PATH; install Go from https://go.dev/dl (Debian 12's is too old), or use compose.yaml" >&2
  return 1
}

weaviate_prepare() {
  local binary built
  mkdir -p "$(weaviate_folder)"
  binary=$(weaviate_binary)
  [ ! -x "$binary" ] || return 0
  built=$(go env GOPATH)/bin/weaviate-server
  mkdir -p "$(dirname "$binary")"
  if [ -x "$built" ] && go version -m "$built" 2>/dev/null | grep -qE "^[[:space:]]+mod[[:space:]]+github.com/weaviate/weaviate[[:space:]]+${weaviate_version//./\\.}[[:space:]]"; then
    say "taking the Weaviate that Go has built here before"
    cp "$built" "$binary.new"
  else
    say "building Weaviate ${weaviate_version#v} with Go (the first time about 6 minutes)"
    CGO_ENABLED=0 GOBIN=$base/weaviate/build go install "github.com/weaviate/weaviate/cmd/weaviate-server@$weaviate_version" \
      >"$base/weaviate/build.log" 2>&1 </dev/null ||
      { tail -n 5 "$base/weaviate/build.log" >&2; fail "Go could not build Weaviate (network, proxy or memory?); see var/services/weaviate/build.log"; }
    mv "$base/weaviate/build/weaviate-server" "$binary.new"
  fi
  mv -f "$binary.new" "$binary"
}

weaviate_launch() {
  launch weaviate "$(id -un)" env \
    PERSISTENCE_DATA_PATH="$(weaviate_folder)" AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED=true DEFAULT_VECTORIZER_MODULE=none ENABLE_MODULES= \
    CLUSTER_HOSTNAME=node1 CLUSTER_ADVERTISE_ADDR=127.0.0.1 CLUSTER_BIND_ADDR=127.0.0.1 \
    CLUSTER_GOSSIP_BIND_PORT="$SERVICES_WEAVIATE_GOSSIP_PORT" CLUSTER_DATA_BIND_PORT="$SERVICES_WEAVIATE_DATA_PORT" \
    RAFT_PORT="$SERVICES_WEAVIATE_RAFT_PORT" RAFT_INTERNAL_RPC_PORT="$SERVICES_WEAVIATE_RAFT_RPC_PORT" RAFT_BOOTSTRAP_EXPECT=1 \
    GRPC_PORT="$SERVICES_WEAVIATE_GRPC_PORT" DISABLE_TELEMETRY=true GO_PROFILING_DISABLE=true USE_INVERTED_SEARCHABLE=false \
    "$(weaviate_binary)" --host 127.0.0.1 --port "$SERVICES_WEAVIATE_PORT" --scheme http
}

weaviate_answers() {
  local line
  # shellcheck disable=SC2016
  line=$(timeout 3 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" &&
    printf "GET /v1/.well-known/ready HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n" >&3 && head -n 1 <&3' "$SERVICES_WEAVIATE_PORT" 2>/dev/null) || return 1
  [[ $line == *" 200 "* ]] && port_open "$SERVICES_WEAVIATE_GRPC_PORT"
}
