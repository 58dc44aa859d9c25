"""Runs a function in several processes that form a gloo group, and returns the result of each.

The processes are forked from a server that has imported torch once, so a group starts in a moment.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import tempfile
import traceback
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # of the server, before it imports torch
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["vaekit.runs.train"])
SECONDS = 300  # a group that hangs; never what a test waits for


def run_group(size: int, function: Callable[..., Any], *args: Any) -> list[Any]:
    """The results of `function(*args)` in `size` processes, by rank."""
    with tempfile.TemporaryDirectory() as folder:
        pipes = [CONTEXT.Pipe(duplex=False) for _ in range(size)]
        workers = [
            CONTEXT.Process(
                target=_work, args=(rank, size, f"file://{folder}/store", pipes[rank][1], function, args)
            )
            for rank in range(size)
        ]
        for worker in workers:
            worker.start()
        results = [_receive(pipe, worker) for (pipe, _), worker in zip(pipes, workers, strict=True)]
        for worker in workers:
            worker.join(SECONDS)
    failed = [result for ok, result in results if not ok]
    if failed:
        raise AssertionError("\n".join(failed))
    return [result for _, result in results]


def _receive(pipe: Any, worker: Any) -> tuple[bool, Any]:
    if not pipe.poll(SECONDS):
        worker.kill()
        return False, "no answer"
    return pickle.loads(pipe.recv_bytes())


def _work(rank: int, size: int, store: str, pipe: Any, function: Callable[..., Any], args: Any) -> None:
    import torch

    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=store, rank=rank, world_size=size)
    try:
        pipe.send_bytes(pickle.dumps((True, function(*args))))
    except BaseException:
        pipe.send_bytes(pickle.dumps((False, f"rank {rank}: {traceback.format_exc()}")))
    finally:
        torch.distributed.destroy_process_group()
