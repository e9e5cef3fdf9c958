"""What runs in the process of a kernel host, from outside."""

from __future__ import annotations

import contextlib
import os


def threads_and_children(process: int) -> set[str]:
    """Each with a word for what it is. Raises OSError when the process has ended."""
    tasks = os.listdir(f"/proc/{process}/task")
    found = {f"thread {one}" for one in tasks}
    for one in tasks:
        # A thread may have ended meanwhile, and not every system has these lists.
        with contextlib.suppress(OSError), open(f"/proc/{process}/task/{one}/children") as file:
            found |= {f"process {child}" for child in file.read().split()}
    return found
