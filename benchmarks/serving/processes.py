"""What processes cost: CPU seconds and memory of the service and of the servers that it asks."""

from collections.abc import Iterable

import msgspec
import psutil


class Cost(msgspec.Struct, frozen=True):
    """CPU seconds that processes have used so far, by what they are."""

    seconds: dict[str, float]

    def since(self, earlier: "Cost") -> dict[str, float]:
        """CPU seconds between the two."""
        return {name: round(spent - earlier.seconds.get(name, 0.0), 3) for name, spent in self.seconds.items()}


def family(pid: int) -> list[psutil.Process]:
    """A process and all its descendants; [] where it has ended."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def listeners(ports: dict[str, int]) -> dict[str, int]:
    """Name -> pid of what listens on a local port; a name without a listener is left out (another machine's)."""
    found = {}
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.pid:
            for name, port in ports.items():
                if connection.laddr.port == port:
                    found[name] = connection.pid
    return found


def cost(pids: dict[str, int]) -> Cost:
    """CPU seconds of each named process with its children."""
    return Cost({name: sum(_seconds(process) for process in family(pid)) for name, pid in pids.items()})


def memory_mb(pid: int) -> list[dict[str, float]]:
    """Of a process and each child: resident, and what is its own (uss), in MB of 10^6 bytes."""
    measured = []
    for process in family(pid):
        full = process.memory_full_info()
        measured.append({"resident": round(full.rss / 1e6, 1), "own": round(full.uss / 1e6, 1)})
    return measured


def resident_mb(pid: int) -> float:
    """Of a process and its children together; what they share counts for each."""
    return round(sum(one["resident"] for one in memory_mb(pid)), 1)


def total(seconds: Iterable[float]) -> float:
    """The sum, in seconds."""
    return round(sum(seconds), 3)


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system
