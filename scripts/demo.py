"""What `make demo` does after the installation: builds, serves shop, API and Dagster until Ctrl-C, shows one answer."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from honcho.manager import Manager

from online.keys import make_key
from online.keys.store import build_keys_store, revoked
from orchestration.__main__ import prepare_home
from setwise.command_settings import command_settings
from setwise.settings import Settings
from setwise.whole_file import write_whole

ROOT = Path(__file__).parents[1]
PROMPT = "a cosy mid-century living room under $1500, no leather"
KEY_NAME = "demo"
PATIENCE_S = 90
TRIES = 20
WAITS_S = (1, 5, 25)
"""Before a process of the demo that has ended is started again; after that it is left."""


def kept_running(name: str, command: str, waits_s: Sequence[int] = WAITS_S) -> str:
    """A shell's command that starts it again when it ends, and at last leaves the others alone with a word."""
    again = "; ".join(
        f"{command}; echo 'setwise: {name} has ended (status '$?'); it is started again in {wait} s'; sleep {wait}"
        for wait in waits_s
    )
    left = f"setwise: {name} has ended again, and the rest goes on without it; the lines above say why. To go on, "
    return f"{again}; {command}; echo '{left}run in another terminal: {command}'; exec tail -f /dev/null"


def port_is_free(port: int) -> bool:
    """True where nothing listens on loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def demo_key(settings: Settings) -> str:
    """A key of scope admin for the operator's pages and the demo's shoppers; those of earlier demos end."""
    store, now = build_keys_store(settings), datetime.now(UTC)
    try:
        for key in store.all().values():
            if key.name == KEY_NAME and key.is_valid(now):
                revoked(store, key.key_id, now)
        key, text = make_key(KEY_NAME, ["admin"], now)
        store.put(key)
    finally:
        store.close()
    return text


def demo_flags(settings: Settings) -> Path:
    """The shipped experiment, on since the demo's first start; this copy of it may be changed while the demo runs."""
    file = Path(settings.storage.data_dir).absolute() / "demo/flags.json"
    if not file.exists():
        shipped = json.loads((ROOT / "experiments/flags.json").read_text())
        since = {"started_at": datetime.now(UTC).isoformat(), "metric": "conversion", "planned_units": 400}
        shipped["flags"]["ranking"] |= {"state": "ENABLED", "metadata": since}
        write_whole(file, json.dumps(shipped, indent=2).encode())
    return file


def show_answer(port: int, dagster_port: int, prompt: str, key: str, flags: str) -> None:
    """Waits for the API, asks once, prints the addresses and the answer. Dagster's pages need some seconds more."""
    base, started = f"http://127.0.0.1:{port}", time.monotonic()
    while time.monotonic() - started < PATIENCE_S:
        try:
            urllib.request.urlopen(f"{base}/health/ready", timeout=2).close()
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    body = json.dumps({"prompt": prompt})
    request = urllib.request.Request(f"{base}/v1/bundles", body.encode(), {"Content-Type": "application/json"})
    try:
        for _ in range(TRIES):  # Dagster starts beside it: the first answers may have had to go without something
            with urllib.request.urlopen(request, timeout=10) as reply:
                answer = json.load(reply)
            if answer["served_by"] == "full":
                break
            time.sleep(0.5)
    except (urllib.error.URLError, OSError) as error:
        print(f"setwise: the API did not answer ({error}); see the lines above", flush=True)
        return
    lines = [
        "",
        f"  Shop     {base}            (say what you need, on this machine's browser)",
        f"  API      {base}/schema     (browsable)",
        f"  Dagster  http://127.0.0.1:{dagster_port}            (opens some seconds later)",
        f"  Operator {base}/operator/#key={key}",
    ]
    if flags:
        lines.append(f"  Flags    {flags}   (what is tried: SETWISE_FLAGS_FILE={flags} make experiments)")
    lines += [
        "",
        f"  curl -s {base}/v1/bundles -H 'Content-Type: application/json' -d '{body}'",
        "",
    ]
    for bundle in answer["bundles"]:
        total = f"{bundle['total_cents'] / 100:,.2f} {bundle['currency']}"
        lines.append(f"  {bundle['label']:<12} {total:>14}   {bundle['title']}")
        lines += [
            f"      {item['quantity']} x {item['price_cents'] / 100:>9,.2f}  {item['title'][:80]}"
            for item in bundle["items"]
        ]
    if not answer["bundles"]:
        lines.append(f"  no bundle: {answer['infeasible']}")
    lines += [
        "",
        f"  answered in {answer['timings_ms']['total']} ms; requests without a key are let in here (SETWISE_ANONYMOUS)",
        "",
    ]
    print("\n".join([*lines, "  Ctrl-C ends everything.", ""]), flush=True)


def main() -> int:
    """0 after Ctrl-C; errors are one sentence."""
    settings = command_settings(os.environ)
    port, dagster_port = settings.service.port, settings.service.dagster_port
    for number, name in ((port, "SETWISE_PORT"), (dagster_port, "SETWISE_DAGSTER_PORT")):
        if not port_is_free(number):
            print(f"setwise: port {number} is taken; end what listens there or set {name}", file=sys.stderr)
            return 1
    prepare_home(dict(os.environ))
    try:
        built = subprocess.run([sys.executable, "-m", "orchestration", "build"], check=False).returncode
    except KeyboardInterrupt:
        return 130
    if built:
        return built
    manager = Manager()
    # On loopback, for a first look: everywhere else a service is closed until its operator makes keys.
    os.environ.setdefault("SETWISE_ANONYMOUS", "recommend,events")
    os.environ.setdefault("SETWISE_STOREFRONT", "true")
    if not settings.catalogue.feed:  # an experiment that is on, for the shoppers that are played
        os.environ.setdefault("SETWISE_FLAGS_FILE", str(demo_flags(settings)))
    flags = os.environ.get("SETWISE_FLAGS_FILE", "")
    # Dagster, the loader and the streams share the laptop's cores: whole answers, if a little later.
    for name, ms in (("SETWISE_DEADLINE_MS", "1000"), ("SETWISE_DEADLINE_ENCODE_MS", "500")):
        os.environ.setdefault(name, ms)
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore", "SETWISE_LOG_LEVEL": "warning", "SETWISE_LOG_FORMAT": "human"}
    key = demo_key(settings)
    dagster = f"dev --workspace workspace.yaml --host 127.0.0.1 --port {dagster_port} --log-level error"
    commands = {
        "api": "online",
        "dagster": f"dagster {dagster}",
        "loader": "orchestration.loader",
        "streams": "orchestration.streams",
    }
    if not settings.catalogue.feed:  # nobody's own shop is played with
        commands["shoppers"] = "demo.player"
    for name, command in commands.items():
        its_own = {"DEMO_KEY": key} if name == "shoppers" else {}
        manager.add_process(name, kept_running(name, f"{sys.executable} -m {command}"), env=quiet | its_own)
    prompt = PROMPT if not settings.catalogue.feed else "something nice under 100"
    threading.Thread(target=show_answer, args=(port, dagster_port, prompt, key, flags), daemon=True).start()
    manager.loop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
