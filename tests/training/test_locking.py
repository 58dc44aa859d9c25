"""One writer a directory, and signals that wait."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from toy_runs import At, metrics, train
from vaekit.errors import InterruptedRun, VaekitError
from vaekit.training.locking import GONE, catch_signals, lock_directory

HOLD = """
import sys, time
from pathlib import Path
from vaekit.training.locking import lock_directory
with lock_directory(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(directory) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_a_dead_one_does_not_block(tmp_path):
    process = hold(tmp_path)
    with pytest.raises(
        VaekitError, match=rf"another process \(pid {process.pid}\) is training in {tmp_path}; wait"
    ):
        train(tmp_path)
    process.kill()
    process.wait()
    train(tmp_path)


def test_a_second_training_in_the_same_process_is_refused(tmp_path):
    with (
        lock_directory(tmp_path),
        pytest.raises(VaekitError, match=f"pid {os.getpid()}"),
        lock_directory(tmp_path),
    ):
        pass
    with lock_directory(tmp_path):
        pass


def test_a_process_of_another_machine_is_refused_until_it_is_gone(tmp_path):
    owner = tmp_path / ".pid"
    owner.write_text("17\nfar\nanother-machine\n")
    with pytest.raises(VaekitError, match=r"another process \(pid 17 on far\) is training in .* s ago; wait"):
        train(tmp_path)
    assert not (tmp_path / "metrics.jsonl").exists()
    os.utime(owner, (time.time() - GONE - 1,) * 2)
    with lock_directory(tmp_path):
        assert owner.read_text().splitlines()[0] == str(os.getpid())
    assert not owner.exists()


def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(VaekitError, match=r"cannot write in .*file/run: .*; choose another directory"):
        train(tmp_path / "file" / "run")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_stops(tmp_path, number):
    train(tmp_path / "whole")
    before = signal.getsignal(number)
    with pytest.raises(InterruptedRun) as caught:
        train(tmp_path / "cut", log=At(7, lambda: os.kill(os.getpid(), number)))
    said = f"interrupted at epoch 2, step 8; continue with: vaekit train --resume {tmp_path / 'cut'}"
    assert str(caught.value) == said
    assert caught.value.exit_code == 130
    assert signal.getsignal(number) is before
    train(tmp_path / "cut", resume=True)
    assert metrics(tmp_path / "cut") == metrics(tmp_path / "whole")


def test_a_signal_at_the_end_interrupts_after_saving(tmp_path):
    with pytest.raises(InterruptedRun, match="epoch 4, step 20"):
        train(tmp_path, log=At(20, lambda: os.kill(os.getpid(), signal.SIGINT)))
    assert train(tmp_path, resume=True).epochs == 4


def test_the_second_ctrl_c_stops_at_once(tmp_path):
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, log=At(7, twice))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_training_in_another_thread_does_not_change_signal_handlers(tmp_path):
    handlers, failures = [], []

    def work() -> None:
        try:
            with catch_signals() as interrupted:
                handlers.append(signal.getsignal(signal.SIGINT))
                assert not interrupted()
            train(tmp_path)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failures
    assert handlers == [signal.default_int_handler]
