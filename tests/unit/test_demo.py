import os
import signal
import subprocess
from pathlib import Path

from scripts.demo import kept_running


def test_a_process_of_the_demo_that_ends_is_started_again_and_at_last_left_with_a_word(tmp_path: Path) -> None:
    (tmp_path / "loader").write_text("echo begins; exit 3\n")
    command = f"sh {tmp_path / 'loader'}"
    process = subprocess.Popen(
        kept_running("loader", command, waits_s=(0, 0)), shell=True, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = [process.stdout.readline().strip() for _ in range(6)]
    assert said[0] == said[2] == said[4] == "begins"
    assert said[1] == said[3] == "setwise: loader has ended (status 3); it is started again in 0 s"
    assert "the rest goes on without it" in said[5] and said[5].endswith(command)
    assert process.poll() is None, "honcho ends the whole demo when one of its processes ends"
    os.killpg(process.pid, signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    process.stdout.close()
