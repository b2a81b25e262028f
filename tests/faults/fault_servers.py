"""Servers of these tests' own, to be killed and frozen, a proxy that makes them slow or wrong, and the service."""

import asyncio
import contextlib
import itertools
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from fault_load import ask_now

from benchmarks.examples.service import new_key
from setwise.settings import Settings

ROOT = Path(__file__).parents[2]
START_S = 180
_ports = itertools.count(secrets.randbelow(20_000))


def free_port() -> int:
    """A port that nothing listens on. It is none of those that systems give to who asks for any (32768 and more), so
    that no other process is given it before somebody listens there."""
    for number in _ports:
        port = 10_000 + number % 20_000
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError


def wait_until(is_so: Callable[[], bool], seconds: float, what: str) -> float:
    """Seconds until it is so."""
    started = time.monotonic()
    while not is_so():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.05)
    return time.monotonic() - started


def listens(port: int) -> bool:
    """True where a connection is taken."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Server:
    """A process that can be started again on the same port and data."""

    def __init__(self, command: list[str], folder: Path, ports: list[int], environ: dict[str, str]) -> None:
        self._command, self._folder, self._ports = command, folder, ports
        self._environ = os.environ | environ
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it takes connections."""
        self._folder.mkdir(parents=True, exist_ok=True)
        log = (self._folder / "server.log").open("ab")
        self._process = subprocess.Popen(self._command, cwd=self._folder, env=self._environ, stdout=log, stderr=log)
        log.close()
        wait_until(lambda: all(map(listens, self._ports)), START_S, self._command[0])

    def ensure(self) -> None:
        """Starts it where it does not run."""
        if self._process is None or self._process.poll() is not None:
            self.start()

    def send(self, number: signal.Signals) -> None:
        """A signal to exactly this process."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9; nothing listens afterwards."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def redis_server(folder: Path) -> tuple[Server, int]:
    """A Redis without persistence settings of its own."""
    port = free_port()
    command = [shutil.which("redis-server") or "", "--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes"]
    return Server(command, folder, [port], {}), port


def weaviate_binary() -> Path | None:
    """What `make services` built, or Go has installed."""
    found = [*ROOT.glob("var/services/bin/*/weaviate-server"), Path.home() / "go/bin/weaviate-server"]
    return next((path for path in found if path.is_file()), None)


def weaviate_server(folder: Path) -> tuple[Server, int, int]:
    """One node with data of its own."""
    http, grpc, gossip, data, raft, rpc = (free_port() for _ in range(6))
    environ = {
        "PERSISTENCE_DATA_PATH": str(folder), "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "true",
        "DEFAULT_VECTORIZER_MODULE": "none", "ENABLE_MODULES": "", "CLUSTER_HOSTNAME": "node1",
        "CLUSTER_ADVERTISE_ADDR": "127.0.0.1", "CLUSTER_BIND_ADDR": "127.0.0.1",
        "CLUSTER_GOSSIP_BIND_PORT": str(gossip), "CLUSTER_DATA_BIND_PORT": str(data), "RAFT_PORT": str(raft),
        "RAFT_INTERNAL_RPC_PORT": str(rpc), "RAFT_BOOTSTRAP_EXPECT": "1", "GRPC_PORT": str(grpc),
        "DISABLE_TELEMETRY": "true", "GO_PROFILING_DISABLE": "true", "USE_INVERTED_SEARCHABLE": "false",
    }  # fmt: skip
    command = [str(weaviate_binary()), "--host", "127.0.0.1", "--port", str(http), "--scheme", "http"]
    return Server(command, folder, [http, grpc], environ), http, grpc


def kafka_libraries() -> Path | None:
    """The broker's jars that `make services` fetched."""
    folder = Path(os.environ.get("KAFKA_LIBRARIES", ROOT / "var/services/kafka/libs"))
    return folder if folder.is_dir() and shutil.which("java") else None


class Guarded(msgspec.Struct, frozen=True):
    """A broker that talks TLS with this key and certificate (PEM, PKCS 8) and lets in one user by PLAIN and SCRAM."""

    user: str
    password: str
    key_and_certificate: Path

    @property
    def properties(self) -> str:
        """What the broker is told beside its usual settings."""
        login = f'required username="{self.user}" password="{self.password}" user_{self.user}="{self.password}";'
        modules = "org.apache.kafka.common.security"
        return (
            f"ssl.keystore.type=PEM\nssl.keystore.location={self.key_and_certificate}\n"
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512\nsasl.mechanism.inter.broker.protocol=PLAIN\n"
            "ssl.endpoint.identification.algorithm=\nssl.truststore.type=PEM\n"
            f"ssl.truststore.location={self.key_and_certificate.with_name('ca.pem')}\n"
            f"listener.name.clients.plain.sasl.jaas.config={modules}.plain.PlainLoginModule {login}\n"
            f"listener.name.clients.scram-sha-512.sasl.jaas.config={modules}.scram.ScramLoginModule required;\n"
        )


def kafka_server(
    folder: Path, libraries: Path, told: Callable[[int], int] = int, guarded: Guarded | None = None
) -> tuple[Server, int]:
    """One KRaft node with data of its own. `told` gives the port that clients are sent to for the one it listens on."""
    folder.mkdir(parents=True)
    port, controller = free_port(), free_port()
    properties = folder / "server.properties"
    properties.write_text(
        "process.roles=broker,controller\nnode.id=1\n"
        f"controller.quorum.voters=1@127.0.0.1:{controller}\n"
        f"listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n"
        f"advertised.listeners=CLIENTS://127.0.0.1:{told(port)}\n"
        f"listener.security.protocol.map=CLIENTS:{'SASL_SSL' if guarded else 'PLAINTEXT'},CONTROLLER:PLAINTEXT\n"
        "controller.listener.names=CONTROLLER\ninter.broker.listener.name=CLIENTS\n"
        f"{guarded.properties if guarded else ''}"
        f"log.dirs={folder / 'data'}\noffsets.topic.replication.factor=1\noffsets.topic.num.partitions=1\n"
        "transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n"
        "group.initial.rebalance.delay.ms=0\n"
    )
    # The quick compiler alone, and one thread that collects: a broker that lives for seconds starts with half the CPU.
    java = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{libraries}/*"]
    format_it = ["kafka.tools.StorageTool", "format", "--cluster-id", "xAAAAAAAAAAAAAAAAAAAAA"]
    if guarded:
        format_it += ["--add-scram", f"SCRAM-SHA-512=[name={guarded.user},password={guarded.password}]"]
    subprocess.run([*java, *format_it, "--config", str(properties)], cwd=folder, capture_output=True, check=True)
    return Server([*java, "kafka.Kafka", str(properties)], folder, [port], {}), port


class Proxy:
    """Stands between the service and a server. `delay_s` holds answers back; `is_wrong` answers rubbish instead."""

    def __init__(self, target: int) -> None:
        self.port, self.delay_s, self.is_wrong = free_port(), 0.0, False
        self._target = target
        self._connections: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def close(self) -> None:
        """Ends it and every connection through it."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _end(self) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        writers = [writer]
        # A cancelled handler would be reported by asyncio's own callback; the end of a proxy is no fault.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            try:
                target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target)
                writers.append(target_writer)
                await asyncio.gather(self._pump(reader, target_writer, False), self._pump(target_reader, writer, True))
            finally:
                self._connections.discard(task)
                for each in writers:
                    each.transport.abort()
                for each in writers:
                    with contextlib.suppress(OSError):
                        await each.wait_closed()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if is_answer:
                    await asyncio.sleep(self.delay_s)
                    data = b"?" * len(data) if self.is_wrong else data
                writer.write(data)
                await writer.drain()
        writer.close()


class Stage(msgspec.Struct):
    """Servers, the proxies in front of them, and the settings of a service that uses them."""

    redis: Server
    weaviate: Server
    kafka: Server
    redis_proxy: Proxy
    weaviate_proxy: Proxy
    kafka_proxy: Proxy
    environ: dict[str, str]


class Service:
    """`python -m online` in a process of its own."""

    def __init__(self, environ: dict[str, str], log: Path, port: int = 0) -> None:
        self.port = port or free_port()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SETWISE_")}
        environ = self.environ = {"SETWISE_ANONYMOUS": "recommend,events"} | environ
        self.admin_key = new_key(Settings.from_env(environ), "operator", "admin")
        self._log = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "online"],
            cwd=ROOT,
            env=clean | environ | {"SETWISE_PORT": str(self.port), "PYTHONWARNINGS": "ignore"},
            stdout=self._log,
            stderr=self._log,
        )

    def wait_ready(self) -> None:
        """Returns when it can answer."""
        wait_until(self._is_ready_or_dead, START_S, "the service")
        assert self.process.poll() is None, f"it ended with {self.process.returncode}"

    def _is_ready_or_dead(self) -> bool:
        is_up = listens(self.port)  # before that, no loop and no thread for each question
        return self.process.poll() is not None or (is_up and ask_now(self.port, "/health/ready").status == 200)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout=40)
        finally:
            self._log.close()
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


def workers_of(service: Service) -> set[int]:
    """The serving processes: children that are not multiprocessing's own helper."""
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
    return {int(pid) for pid in children if b"spawn_main" in command_of(pid)}


def command_of(pid: str) -> bytes:
    """Empty for a process that has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@contextlib.contextmanager
def serving(environ: dict[str, str], log: Path) -> Iterator[Service]:
    """A service that is ready, and is ended."""
    service = Service(environ, log)
    try:
        service.wait_ready()
        yield service
    finally:
        service.stop()
