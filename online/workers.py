"""Several serving processes that behave as one: they share a listener, and a parent keeps them there."""

import logging
import multiprocessing
import signal
import socket
import threading
import time
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import FrameType

import msgspec

from online.metrics_folder import forget_process, share_between_processes
from setwise.settings import Settings

logger = logging.getLogger(__name__)
START_S = 60
GRACE_S = 20
"""Longest time that a process takes to answer what it has when it ends."""
AGAIN_S = 1.0
"""A process that died before it was ready is started again after this pause."""
_spawn = multiprocessing.get_context("spawn")


class Worker(msgspec.Struct, eq=False):
    """A process, and the end of a pipe that it speaks into when it is ready."""

    process: SpawnProcess
    says: Connection
    is_ready: bool = False


class Workers:
    """Keeps `settings.service.workers` processes. SIGTERM and SIGINT end all, SIGHUP replaces one after the other, each
    only when its successor answers."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings, self._listener = settings, listener
        self._workers: list[Worker] = []
        self._is_stopping = self._is_replacing = False
        self._woken, self._wake = _spawn.Pipe(duplex=False)

    def run(self) -> int:
        """Returns 0 when all have ended."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        service = self._settings.service
        share_between_processes(Path(self._settings.storage.data_dir) / "metrics" / str(service.port))
        self._workers = [self._start() for _ in range(service.workers)]
        while not self._is_stopping:
            if self._is_replacing:
                self._is_replacing = False
                self._replace_all()
            self._await_news()
            self._replace_dead()
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            self._end(worker)
        return 0

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._is_replacing = True
        else:
            self._is_stopping = True
        self._wake.send(None)

    def _start(self) -> Worker:
        says, speaks = _spawn.Pipe(duplex=False)
        process = _spawn.Process(target=_work, args=(self._settings, self._listener, speaks), name="setwise-worker")
        process.start()
        speaks.close()
        return Worker(process, says)

    def _await_news(self, seconds: float | None = None) -> None:
        """Returns when a process died or became ready, or a signal came."""
        ends = [worker.process.sentinel for worker in self._workers]
        starting = [worker.says for worker in self._workers if not worker.is_ready]
        news = wait([self._woken, *ends, *starting], seconds)
        if self._woken in news:
            self._woken.recv()
        for worker in self._workers:
            if worker.says in news:
                _note_ready(worker)

    def _replace_dead(self) -> None:
        for position, worker in enumerate(self._workers):
            if worker.process.is_alive() or self._is_stopping:
                continue
            logger.error("worker %d ended with %s and is replaced", worker.process.pid, worker.process.exitcode)
            if not worker.is_ready:
                time.sleep(AGAIN_S)
            _forget(worker)
            self._workers[position] = self._start()

    def _replace_all(self) -> None:
        for position, old in enumerate(self._workers):
            new = self._start()
            if not (new.says.poll(START_S) and _note_ready(new)):
                logger.error("a new worker did not become ready; worker %d stays", old.process.pid)
                new.process.kill()
                new.process.join()
                _forget(new)
                continue
            self._workers[position] = new
            old.process.terminate()
            self._end(old)
            if self._is_stopping:
                return

    def _end(self, worker: Worker) -> None:
        worker.process.join(self._settings.service.drain_s + GRACE_S + 5)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        _forget(worker)


def _forget(worker: Worker) -> None:
    worker.says.close()
    if worker.process.pid is not None:
        forget_process(worker.process.pid)


def _note_ready(worker: Worker) -> bool:
    try:
        worker.says.recv()
    except EOFError:  # it died first
        return False
    worker.is_ready = True
    logger.info("worker %d is ready", worker.process.pid)
    return True


def _work(settings: Settings, listener: socket.socket, speaks: Connection) -> None:
    # Only here: the parent needs none of what answers, and starts and replaces sooner without it.
    from online.server import serve

    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    serve(settings, listener, is_shared=True, on_ready=lambda: speaks.send(None))


def _end_with(sentinel: int) -> None:
    """A worker whose parent was killed must not keep the port."""
    wait([sentinel])
    signal.raise_signal(signal.SIGTERM)
