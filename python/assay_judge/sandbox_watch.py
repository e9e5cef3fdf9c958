"""Memory of a phase: all its processes together, and what it keeps in its in-memory folders."""

from __future__ import annotations

import os
import time

import sandbox_processes as processes

USUAL_INTERVAL = 0.1
CLOSE_INTERVAL = 0.025
_REFINE_INTERVAL = 1.0
# bubblewrap outside, bubblewrap inside, the program.
_PROCESSES_OF_A_SANDBOX = 3
_MEMORY_FOLDERS = ("tmp", "dev/shm")


class MemoryWatch:
    """The cheap sum of resident sets counts shared pages several times; it is refined where that could matter."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.peak_bytes: int | None = None
        self.interval = USUAL_INTERVAL
        self._next_refinement = 0.0

    def is_over(self, pids: list[int], sandboxes: list[int]) -> bool:
        """`pids`: all processes; `sandboxes`: those that are the first of a namespace with folders in memory."""
        began = time.monotonic()
        resident = sum(map(processes.resident_bytes, pids))
        folders = sum(map(folder_bytes, sandboxes))
        used: int | None = resident + folders
        is_single = len(pids) <= max(1, _PROCESSES_OF_A_SANDBOX * len(sandboxes))
        if used > self.limit_bytes or (used > (self.peak_bytes or 0) and not is_single):
            used = self._refined(pids, folders, began, must=used > self.limit_bytes)
        if used is not None:
            self.peak_bytes = max(self.peak_bytes or 0, used)
        cost = time.monotonic() - began
        near = used is None or used > self.limit_bytes // 2
        self.interval = max(CLOSE_INTERVAL if near else USUAL_INTERVAL, 20 * cost)
        return used is not None and used > self.limit_bytes

    def _refined(self, pids: list[int], folders: int, now: float, must: bool) -> int | None:
        if not must and now < self._next_refinement:
            return None
        self._next_refinement = now + _REFINE_INTERVAL
        total = shared = 0
        for pid in pids:
            one, part = processes.proportional_bytes(pid)
            total += one
            shared += part
        return max(total, total - shared + folders)

    def note_largest_process(self, kibibytes: int, own_kibibytes: int) -> None:
        """What the kernel says of the largest ended process. Until its exec a child counts as large as its parent."""
        if kibibytes > own_kibibytes:
            self.peak_bytes = max(self.peak_bytes or 0, kibibytes * 1024)


def folder_bytes(pid: int) -> int:
    total = 0
    for folder in _MEMORY_FOLDERS:
        try:
            status = os.statvfs(f"/proc/{pid}/root/{folder}")
            total += (status.f_blocks - status.f_bfree) * status.f_frsize
        except OSError:
            pass
    return total
