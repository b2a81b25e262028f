"""Event streams of asynchronous requests whose clients wait, go away, or never read, on sockets of the test's own."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fault_load import ask_now
from fault_servers import Service, serving, wait_until

STREAMS = 3
ROOMY = {"SETWISE_DEADLINE_MS": "5000", "SETWISE_QUEUE_MS": "5000", "SETWISE_DRAIN_S": "0.3"}
NEVER_READ = 40


@pytest.fixture
def quiet(embedded, tmp_path) -> Iterator[Service]:
    """A service that accepts requests and answers none: its streams stay open."""
    settings = {"SETWISE_REQUESTS_THREADS": "0", "SETWISE_REQUESTS_STREAMS": str(STREAMS)}
    with serving(embedded | ROOMY | settings, tmp_path / "log") as service:
        yield service


def accepted(port: int) -> str:
    reply = ask_now(port, "/v1/requests", {"prompt": "a rug and a vase under $300"})
    assert reply.status == 202, reply
    return reply.body["events_url"]


def opened(port: int, url: str) -> socket.socket:
    """A connection that has asked for the events; nothing is read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_024)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", port))
    connection.sendall(f"GET {url} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return connection


def read_until(connection: socket.socket, words: bytes) -> bytes:
    read = b""
    while words not in read:
        data = connection.recv(4_096)
        assert data, read
        read += data
    return read


def test_one_stream_too_many_is_told_when_to_come_and_a_client_that_went_makes_room(quiet: Service) -> None:
    url = accepted(quiet.port)
    with ExitStack() as stack:
        streams = [stack.enter_context(opened(quiet.port, url)) for _ in range(STREAMS)]
        for connection in streams:
            assert b"200 OK" in read_until(connection, b": events of a request")
        refused = ask_now(quiet.port, url)
        assert refused.status == 503 and refused.headers["retry-after"] == "2"
        assert "event streams" in refused.body["detail"]
        streams.pop().close()

        def is_let_in() -> bool:
            with opened(quiet.port, url) as connection:
                return b"200 OK" in connection.recv(4_096)

        print(f"room after {wait_until(is_let_in, 15, 'a place'):.2f} s")


def test_a_stream_without_news_says_that_it_is_alive(quiet: Service) -> None:
    with opened(quiet.port, accepted(quiet.port)) as connection:
        read_until(connection, b": events of a request")
        started = time.monotonic()
        read_until(connection, b": still here")
        assert 5 < time.monotonic() - started < 20


def test_clients_that_never_read_hold_nobody_up_and_their_places_come_back(embedded, tmp_path) -> None:
    settings = {"SETWISE_REQUESTS_STREAMS": str(NEVER_READ)}
    with serving(embedded | ROOMY | settings, tmp_path / "log") as service, ExitStack() as stack:
        urls = [accepted(service.port) for _ in range(NEVER_READ)]
        for url in urls:
            stack.enter_context(opened(service.port, url))
        answer = ask_now(service.port, "/v1/bundles", {"prompt": "a rug under $200"})
        assert answer.status == 200 and answer.body["bundles"]
        for url in urls:

            def is_done(status_url: str = url.removesuffix("/events")) -> bool:
                return ask_now(service.port, status_url).body["status"] == "done"

            wait_until(is_done, 60, url)
        # Their sockets are still open and nothing was read: what was for them lies in the system's buffers.
        last = accepted(service.port)
        wait_until(lambda: ask_now(service.port, last.removesuffix("/events")).body["status"] == "done", 60, last)
        with opened(service.port, last) as connection:
            events = read_until(connection, b"event: done")
        assert json.loads(events.split(b"event: bundles")[1].split(b"data: ")[1].splitlines()[0])["bundles"]
