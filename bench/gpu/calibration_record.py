"""What calibrate.py keeps: its deadline, its findings, and what nvidia-smi says meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import threading
import time
from pathlib import Path

LEAST_LEFT = 8.0
"""Seconds before the deadline at which nothing new starts."""
MOST_AT_ONCE = 8
BESIDE_MIB = 18_000
"""Device memory that is left to the scorer and to nanochat-gpu's warm-up."""


class Clock:
    """The deadline of everything."""

    def __init__(self, seconds: float) -> None:
        self.start = time.monotonic()
        self.seconds = seconds

    def now(self) -> float:
        return time.monotonic() - self.start

    def has(self, seconds: float) -> bool:
        """Whether so many seconds are left."""
        return self.now() + seconds + LEAST_LEFT < self.seconds


class Log:
    """The findings, a line each, on disk before the next thing begins."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.file = path.open("a")
        self.clock = clock
        self.lock = threading.Lock()

    def say(self, what: str, **facts: object) -> None:
        line = json.dumps({"at": round(self.clock.now(), 2), "what": what, **facts})
        with self.lock:
            self.file.write(line + "\n")
            self.file.flush()
            os.fsync(self.file.fileno())
            print(line if len(line) < 900 else line[:900] + " …", flush=True)


class Device:
    """What nvidia-smi says, twice a second: memory in MiB, clock in MHz, power in W, temperature. Reads, never sets."""

    QUERY = "memory.used,clocks.sm,power.draw,temperature.gpu,utilization.gpu"

    def __init__(self) -> None:
        self.rows: list[tuple[float, list[float]]] = []
        self.process = None
        command = ["nvidia-smi", f"--query-gpu={self.QUERY}", "--format=csv,noheader,nounits", "-lms", "500"]
        if shutil.which("nvidia-smi"):
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            try:
                self.rows.append((time.monotonic(), [float(value) for value in line.split(",")]))
            except ValueError:
                continue

    def since(self, begin: float) -> dict:
        """Most memory, least and median clock, median power since a time.monotonic()."""
        rows = [row for at, row in self.rows if at >= begin]
        if not rows:
            return {}
        memory, clocks, power, heat, _ = zip(*rows, strict=True)
        return {
            "most_memory_mib": max(memory),
            "sm_mhz": [min(clocks), statistics.median(clocks), max(clocks)],
            "power_w": statistics.median(power),
            "celsius": max(heat),
            "readings": len(rows),
        }

    def room_for(self, each_mib: float) -> int:
        """How many processes of this size fit beside the one that warms up nanochat-gpu."""
        if self.process is None or each_mib <= 0:
            return MOST_AT_ONCE
        query = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
        total = float(subprocess.run(query, capture_output=True, text=True, timeout=20).stdout.splitlines()[0])
        return max(1, min(MOST_AT_ONCE, int((0.95 * total - BESIDE_MIB) / each_mib)))

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()


def reached(snapshots: list[dict], bits: list[float | None], target: float) -> tuple[float, float] | None:
    """Steps and seconds at which the target was met for good, as speedrun_score.py has it; None if it was not."""
    place = len(bits) - 1
    if bits[place] > target:
        return None
    while place > 0 and bits[place - 1] is not None and bits[place - 1] <= target:
        place -= 1
    if place == 0 or bits[place - 1] is None:
        return None
    above, below = snapshots[place - 1], snapshots[place]
    share = (bits[place - 1] - target) / (bits[place - 1] - bits[place])
    return tuple(above[name] + share * (below[name] - above[name]) for name in ("steps", "seconds"))


def spread(values: list[float]) -> dict:
    """n, mean, sigma (n - 1), extremes."""
    if len(values) < 2:
        return {"n": len(values), "values": values}
    return {
        "n": len(values),
        "mean": round(statistics.mean(values), 4),
        "sigma": round(statistics.stdev(values), 4),
        "least": round(min(values), 4),
        "most": round(max(values), 4),
    }
