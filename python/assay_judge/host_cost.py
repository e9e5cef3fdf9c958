"""What the model host spends outside the training clock, and how much of it an honest model may need.

A candidate that trains in `load_model`, in its first answer or beside its answers works outside its budget. All numbers
are CPU time, measured by the host's own process (model_host.py), so waiting for a busy core does not count. A slow core
does: the judge multiplies a fixed matrix before and after and compares with the rate at which the limits were set.

On a GPU the limits are wall time instead, and a process that only loads and forks may not hold the device: then all
work on it is done by answerers, whose time the judge sees from request to reply.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from assay_judge.protocol import Cost

YARDSTICK_SIZE = 256
YARDSTICK_RATE = 100e9
"""Floating-point operations a second, float32, of the core on which the limits were set."""
LARGEST_ALLOWANCE = 4.0
"""However slow the core looks, limits grow by no more than this."""


@dataclass(frozen=True)
class CostLimits:
    """Seconds of CPU time on the core on which they were set."""

    load: float
    """From the first line of train.py to the loaded model."""
    single: float
    """For each answer to a single row. A part of either may be spent on the other."""
    row: float
    """For each row of the larger batches, on average over all."""
    beside: float
    """Of the process that loaded the model, for each reply. It has nothing to do but to fork."""
    answer: float = 0.0
    """Beside the rows, for each reply: what an answer on a GPU needs to start the device, in a process that is new."""
    wall: bool = False
    """Whether load, single, row and answer are seconds of wall time: CPU time says nothing of a GPU's work.

    `beside` stays CPU time. Wall time counts waiting, so nothing else should use the machine.
    """


def yardstick_rate(repeats: int = 6) -> float:
    """Floating-point operations a second of this core now: the best of some products, by this thread's CPU time."""
    matrix = np.random.default_rng(0).standard_normal((YARDSTICK_SIZE, YARDSTICK_SIZE)).astype(np.float32)
    matrix @ matrix
    best = float("inf")
    for _ in range(repeats):
        begin = time.thread_time()
        for _ in range(4):
            matrix @ matrix
        best = min(best, time.thread_time() - begin)
    return 4 * 2 * YARDSTICK_SIZE**3 / best


@dataclass
class HostCost:
    """The account of one host."""

    load_seconds: float = 0.0
    loads: int = 0
    load_wall_seconds: float = 0.0
    alone_seconds: float = 0.0
    alone_rows: int = 0
    batch_seconds: float = 0.0
    batch_rows: int = 0
    beside_seconds: float = 0.0
    replies: int = 0
    answer_wall_seconds: float = 0.0
    most_processes: int = 0
    most_threads: int = 0
    rates: list[float] = field(default_factory=list)
    wall: bool = False
    """As in CostLimits."""
    most_devices: int = 0
    _last: Cost = field(default_factory=lambda: Cost(0.0, 0.0, 0, 0, 0.0))
    _asked_at: float = 0.0

    def loaded(self, cost: Cost, wall_seconds: float) -> None:
        """After `load_model`."""
        self.load_seconds += wall_seconds if self.wall else cost.cpu_seconds - self._last.cpu_seconds
        self.load_wall_seconds += wall_seconds
        self.loads += 1
        self._note(cost, answering=0)

    def asked(self) -> None:
        """Right before a request."""
        self._asked_at = time.monotonic()

    def answered(self, cost: Cost, *, rows: int, is_alone: bool) -> None:
        """After the reply to a request of some rows. What was spent since the last reply counts as the answer's."""
        seconds = cost.at - self._asked_at if self.wall else max(0.0, cost.cpu_seconds - self._last.cpu_seconds)
        self.beside_seconds += max(0.0, cost.loader_seconds - self._last.loader_seconds)
        self.replies += 1
        self.answer_wall_seconds += cost.at - self._asked_at
        if is_alone:
            self.alone_seconds += seconds
            self.alone_rows += rows
        else:
            self.batch_seconds += seconds
            self.batch_rows += rows
        self._note(cost, answering=1)

    def _note(self, cost: Cost, answering: int) -> None:
        self.most_processes = max(self.most_processes, cost.processes - answering)
        self.most_threads = max(self.most_threads, cost.threads)
        self.most_devices = max(self.most_devices, cost.devices)
        self._last = cost

    def measure_core(self) -> None:
        """Takes the yardstick once more; nothing else should be running."""
        self.rates.append(yardstick_rate())

    def allowance(self) -> float:
        """What limits are multiplied by: 1 on a core as fast as that on which they were set, more on a slower one."""
        if self.wall:
            return 1.0
        return min(LARGEST_ALLOWANCE, max(1.0, YARDSTICK_RATE / max(self.rates)))

    def records(self, limits: CostLimits) -> list[dict]:
        """The checks of the account."""
        allowance = self.allowance()
        before = self.load_seconds + self.alone_seconds
        kind = "wall" if self.wall else "CPU"
        allowed_before = (limits.load * max(1, self.loads) + limits.single * self.alone_rows) * allowance
        starts = (self.replies - self.alone_rows) * limits.answer
        row = self.batch_seconds / max(1, self.batch_rows)
        allowed_row = (limits.row + starts / max(1, self.batch_rows)) * allowance
        allowed_beside = limits.beside * self.replies * allowance
        words = f"{self.load_wall_seconds:.3f} s of wall time"
        core = f"core at {max(self.rates) / 1e9:.0f} GFLOP/s, limits times {allowance:.2f}"
        return [
            {
                "id": "untimed-load",
                "ok": self.load_seconds > 0 and self.alone_rows > 0 and before <= allowed_before,
                "detail": (
                    f"load_model {self.load_seconds:.3f} s of {kind} time ({words}), "
                    f"{self.alone_rows} single rows {self.alone_seconds:.3f} s; "
                    f"allowed together {allowed_before:.2f} s; {core}"
                ),
            },
            {
                "id": "scoring-work",
                "ok": self.batch_rows > 0 and row <= allowed_row and self.beside_seconds <= allowed_beside,
                "detail": (
                    f"{self.batch_rows} rows in {self.batch_seconds:.3f} s of {kind} time, {row * 1e3:.2f} ms each, "
                    f"allowed {allowed_row * 1e3:.1f} ms; beside them {self.beside_seconds:.3f} s, "
                    f"allowed {allowed_beside:.2f} s; {core}"
                ),
            },
            {
                "id": "host-processes",
                "ok": self.most_processes == 1 and self.most_devices == 0,
                "detail": (
                    f"{self.most_processes} process of the candidate beside the one that answers, allowed 1; "
                    f"at most {self.most_threads} threads in it, {self.most_devices} device files, allowed 0"
                ),
            },
        ]
