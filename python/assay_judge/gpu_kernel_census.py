"""What runs in the process of a kernel host, from outside."""

from __future__ import annotations

import contextlib
import os
import time


def threads_and_children(process: int) -> set[str]:
    """Each with a word for what it is. Raises OSError when the process has ended."""
    tasks = os.listdir(f"/proc/{process}/task")
    found = {f"thread {one}" for one in tasks}
    for one in tasks:
        # A thread may have ended meanwhile, and not every system has these lists.
        with contextlib.suppress(OSError), open(f"/proc/{process}/task/{one}/children") as file:
            found |= {f"process {child}" for child in file.read().split()}
    return found


def work_clock(device: str, process: int | None) -> float:
    """A clock that what a host does early moves, in seconds.

    A GPU is shared, so there it is the judge's own clock. Beside a busy CPU that tells of others: there it is the
    processor time of the host, with all threads that it had, if its process can be seen.
    """
    if not device.startswith("cuda") and process is not None:
        # Linux: the number of a process's clock. It may have ended; then the next question finds it out.
        with contextlib.suppress(OSError):
            return time.clock_gettime(~process << 3 | 2)
    return time.perf_counter()
