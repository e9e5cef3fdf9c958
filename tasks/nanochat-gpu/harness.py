"""What the task gives to train.py. Protected: a candidate may call it, never change it.

The same as in nanochat-cpu, with a larger context, a device and a warm-up. The budget here is a courtesy, so that a
candidate can plan its schedule. The clock that counts is the supervisor's, outside this process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

CONTEXT_LENGTH = 1024
"""Bytes in each window that the judge shows to the model."""

VOCABULARY = 256
"""Number of symbols: one for each value of a byte."""

RESERVE_SECONDS = 1.5
"""End of the budget that `Clock.steps` leaves for steps that the GPU has not finished, and for the checkpoint."""


def train_bytes() -> np.ndarray:
    """The train split: documents one after the other, each ending in a newline. uint8 [N], read-only, mapped."""
    return np.memmap(Path(os.environ["ASSAY_DATA"]) / "train.bin", dtype=np.uint8, mode="r")


def device() -> torch.device:
    """The first GPU if there is one, else the CPU. Looks for its file, so that a process may still fork afterwards."""
    return torch.device("cuda" if Path("/dev/nvidiactl").exists() and torch.version.cuda else "cpu")


def is_warm_up() -> bool:
    """Whether this is the run before the clock: to compile what will be needed, with no text to learn from."""
    return bool(os.environ.get("ASSAY_WARM_UP"))


def seed() -> int:
    """The trial's seed, chosen by the judge and fresh in each trial."""
    return int(os.environ["ASSAY_SEED"])


def checkpoint_path() -> str:
    """Where the checkpoint must lie when the budget ends. The folder exists."""
    return str(Path(os.environ["ASSAY_OUTPUT"]) / "checkpoint.pt")


class Clock:
    """How much of the budget is used. Starts when train.py gets control, not when `clock()` is called.

    ASSAY_MAX_STEPS, which only tests set, makes `steps` and `fraction` count steps instead of seconds.
    """

    def __init__(self) -> None:
        self._start = float(os.environ.get("ASSAY_CLOCK_START") or time.monotonic())
        self._budget_seconds = float(os.environ.get("ASSAY_BUDGET_SECONDS") or 0)
        self._max_steps = int(os.environ.get("ASSAY_MAX_STEPS") or 0)
        self._steps_done = 0

    def elapsed(self) -> float:
        """Seconds since train.py got control."""
        return time.monotonic() - self._start

    def left(self) -> float:
        """Seconds until `steps` ends, never negative."""
        return max(0.0, self._budget_seconds - RESERVE_SECONDS - self.elapsed())

    def fraction(self) -> float:
        """Share of the usable budget that is gone, from 0 to 1."""
        if self._max_steps:
            return min(1.0, self._steps_done / self._max_steps)
        return min(1.0, self.elapsed() / (self._budget_seconds - RESERVE_SECONDS))

    def steps(self) -> Iterator[int]:
        """Counts 0, 1, 2, ... until the usable budget is gone."""
        while self.fraction() < 1.0:
            yield self._steps_done
            self._steps_done += 1


def clock() -> Clock:
    """The trial's clock."""
    return Clock()
