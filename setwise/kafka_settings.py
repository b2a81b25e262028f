"""How every client of Setwise talks to Kafka."""

from typing import Any

from setwise.settings import Log


def client_settings(log: Log) -> dict[str, Any]:
    """What librdkafka is told, for producers and consumers."""
    common: dict[str, Any] = {
        "bootstrap.servers": log.kafka_brokers,
        "security.protocol": log.kafka_security,
        # A broker that comes back is found at once, not after ten seconds.
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 500,
        "socket.keepalive.enable": True,
        "log_level": 0,
    }
    if log.kafka_security.startswith("SASL"):
        common |= {"sasl.mechanism": log.kafka_mechanism, "sasl.username": log.kafka_user}
        common["sasl.password"] = log.kafka_password
    if log.kafka_ca_file:
        common["ssl.ca.location"] = log.kafka_ca_file
    return common
