# Kafka: one KRaft node, broker and controller in one process; its jars come by Maven.
kafka_version=4.1.0
port_setting SERVICES_KAFKA_PORT 9092
port_setting SERVICES_KAFKA_CONTROLLER_PORT 9093

kafka_title() { echo Kafka; }
kafka_process() { echo java; }
kafka_folder() { echo "$base/kafka/data"; }
kafka_ports() { echo "SERVICES_KAFKA_PORT SERVICES_KAFKA_CONTROLLER_PORT"; }
kafka_address() { echo "127.0.0.1:$SERVICES_KAFKA_PORT"; }
kafka_signal() { echo TERM; }
kafka_packages() { :; }

kafka_missing() {
  local java rc=0
  java=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1) || true
  [ "${java:-0}" -ge 17 ] ||
    { say "Kafka needs Java 17 or newer and ${java:+only Java $java}${java:-none} is on PATH; on Debian 12: apt-get install openjdk-17-jre-headless" >&2; rc=1; }
  [ -f "$base/kafka/libs/.complete-$kafka_version" ] || command -v mvn >/dev/null ||
    { say "Kafka's jars come by Maven and mvn is not on PATH; on Debian 12: apt-get install maven" >&2; rc=1; }
  return $rc
}

kafka_prepare() {
  mkdir -p "$(kafka_folder)"
  kafka_fetch
  cat >"$base/kafka/log4j2.properties" <<'EOF'
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
EOF
  cat >"$base/kafka/server.properties" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$SERVICES_KAFKA_CONTROLLER_PORT
listeners=PLAINTEXT://127.0.0.1:$SERVICES_KAFKA_PORT,CONTROLLER://127.0.0.1:$SERVICES_KAFKA_CONTROLLER_PORT
advertised.listeners=PLAINTEXT://127.0.0.1:$SERVICES_KAFKA_PORT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$(kafka_folder)
# One node: nothing can be kept twice.
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
EOF
  [ -f "$(kafka_folder)/meta.properties" ] ||
    kafka_java kafka.tools.StorageTool format --cluster-id "$(kafka_cluster)" --config "$base/kafka/server.properties" \
      >"$base/kafka/format.log" 2>&1 </dev/null ||
    { tail -n 5 "$base/kafka/format.log" >&2; fail "Kafka's data folder could not be made; see var/services/kafka/format.log"; }
}

kafka_fetch() {
  [ ! -f "$base/kafka/libs/.complete-$kafka_version" ] || return 0
  say "fetching Kafka $kafka_version (Maven, about 100 MB)"
  cat >"$base/kafka/pom.xml" <<EOF
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>setwise.services</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$kafka_version</version></dependency>
    <!-- Kafka speaks slf4j 1.7: log4j-slf4j2-impl would not be found. -->
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>2.24.3</version></dependency>
  </dependencies>
  <build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.8.1</version>
  </plugin></plugins></build>
</project>
EOF
  rm -rf "$base/kafka/libs"
  mvn -q -B -f "$base/kafka/pom.xml" dependency:copy-dependencies -DoutputDirectory="$base/kafka/libs" \
    >"$base/kafka/maven.log" 2>&1 </dev/null ||
    { tail -n 5 "$base/kafka/maven.log" >&2; fail "Maven could not fetch Kafka (network or proxy?); see var/services/kafka/maven.log"; }
  touch "$base/kafka/libs/.complete-$kafka_version"
}

kafka_cluster() {
  [ -s "$base/kafka/cluster-id" ] ||
    # 16 random bytes as Kafka writes them; the x keeps a leading minus from looking like an option.
    echo "x$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c2-22)" >"$base/kafka/cluster-id"
  cat "$base/kafka/cluster-id"
}

kafka_java() {
  java -Xmx512m -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true -Dlog4j2.configurationFile="$base/kafka/log4j2.properties" \
    -cp "$base/kafka/libs/*" "$@"
}

kafka_launch() {
  launch kafka "$(id -un)" java -Xmx512m -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true \
    -Dlog4j2.configurationFile="$base/kafka/log4j2.properties" -cp "$base/kafka/libs/*" kafka.Kafka "$base/kafka/server.properties"
}

# Asks the broker who is in the cluster (DescribeCluster, API 60, version 0) without the second that a JVM takes: no error, our
# cluster's id and at least one broker that takes requests. The answer's form: size 4, correlation 4, tags 1, throttle 4,
# error 2, message 1, length 1 and cluster id 22, controller 4, brokers + 1.
kafka_answers() {
  local answer
  # shellcheck disable=SC2016
  answer=$(timeout 3 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" &&
    printf "\0\0\0\15\0\74\0\0\0\0\0\7\377\377\0\0\0" >&3 && head -c 44 <&3 | od -An -v -tx1 | tr -d " \n"' "$SERVICES_KAFKA_PORT" 2>/dev/null) || return 1
  [ "${#answer}" = 88 ] && [ "${answer:26:4}" = 0000 ] && [ "${answer:34:44}" = "$(kafka_cluster | tr -d '\n' | od -An -v -tx1 | tr -d ' \n')" ] &&
    [ "$((16#${answer:86:2}))" -ge 2 ]
}
