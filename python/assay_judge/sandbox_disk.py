"""What a phase keeps on disk: all that lies in its writable mounts, and what it deleted but still holds open."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator

INTERVAL = 0.5
MOST_ENTRIES = 200_000
# A look is cut into parts, so that the judge's clock and the other limits never wait long for it.
_PART_ENTRIES = 1000
_PAUSE_PER_COST = 4
_BLOCK_BYTES = 512


class DiskWatch:
    """`limit_bytes` None: no limit, and nothing is looked at."""

    def __init__(self, limit_bytes: int | None, sources: list[str]) -> None:
        self.limit_bytes = limit_bytes
        self.sources = sources
        self.bytes = 0
        self.entries = 0
        self.closed: str | None = None
        self.next_look = 0.0 if limit_bytes is not None and sources else float("inf")
        self._walk: Iterator[None] | None = None
        self._links: set[tuple[int, int]] = set()

    def is_over(self, now: float, pids: Callable[[], list[int]]) -> bool:
        """Does what is due; `pids` are asked for at the start of a look. The answer may come parts later."""
        if now < self.next_look:
            return False
        if self._walk is None:
            # Nothing can be in the folders before the program runs: the first look waits.
            if self.next_look == 0.0:
                self.next_look = now + INTERVAL
                return False
            self._begin()
            self._count_deleted(pids())
            self._walk = self._walked()
        is_at_end = next(self._walk, self) is self
        ended = time.monotonic()
        self.next_look = ended + (INTERVAL if is_at_end else _PAUSE_PER_COST * (ended - now))
        if is_at_end:
            self._walk = None
        return self._is_over()

    def is_over_at_end(self) -> bool:
        """All processes have ended: look at once, as far as is needed."""
        if self.limit_bytes is None:
            return False
        self._begin()
        return any(self._is_over() for _ in self._walked()) or self._is_over()

    def words(self) -> str:
        if self.closed is not None:
            return f"It closed a folder of its writable mounts, so that what is in it cannot be counted: {self.closed}."
        if self.entries > MOST_ENTRIES:
            return f"It kept more than {MOST_ENTRIES} files and folders in its writable mounts."
        used, limit = self.bytes / 2**20, (self.limit_bytes or 0) / 2**20
        return f"It kept {used:.1f} MiB in its writable mounts; the limit is {limit:.1f} MiB."

    def _is_over(self) -> bool:
        is_large = self.limit_bytes is not None and self.bytes > self.limit_bytes
        return is_large or self.entries > MOST_ENTRIES or self.closed is not None

    def _begin(self) -> None:
        self.bytes = self.entries = 0
        self._links.clear()
        for status in map(_status, self.sources):
            if status is not None and stat.S_ISREG(status.st_mode):
                self.bytes += status.st_blocks * _BLOCK_BYTES

    def _walked(self) -> Iterator[None]:
        """Stops after each part, and for good when it is over."""
        todo = list(self.sources)
        counted = 0
        while todo:
            for entry in _entries(todo.pop(), self._note_closed):
                is_folder = self._count(entry)
                if is_folder:
                    todo.append(entry.path)
                counted += 1
                if self._is_over():
                    return
                if counted % _PART_ENTRIES == 0:
                    yield
            if self._is_over():
                return

    def _note_closed(self, path: str) -> None:
        self.closed = path

    def _count(self, entry: os.DirEntry) -> bool:
        """Whether it is a folder. A file of several names counts once."""
        self.entries += 1
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return False
        is_folder = stat.S_ISDIR(status.st_mode)
        if not is_folder and status.st_nlink > 1:
            link = (status.st_dev, status.st_ino)
            if link in self._links:
                return False
            self._links.add(link)
        self.bytes += status.st_blocks * _BLOCK_BYTES
        return is_folder

    def _count_deleted(self, pids: list[int]) -> None:
        """Files without a name that the processes hold open, on the file systems of the mounts."""
        devices = {status.st_dev for status in map(_status, self.sources) if status is not None}
        for pid in pids:
            for path in _descriptors(pid):
                status = _status(path)
                if status is None or status.st_nlink > 0 or status.st_dev not in devices:
                    continue
                link = (status.st_dev, status.st_ino)
                if stat.S_ISREG(status.st_mode) and link not in self._links:
                    self._links.add(link)
                    self.bytes += status.st_blocks * _BLOCK_BYTES


def _entries(path: str, on_closed: Callable[[str], None]) -> Iterator[os.DirEntry]:
    """A folder's entries. What vanishes meanwhile is left out; a link in its place is not followed."""
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            with os.scandir(path) as found:
                yield from found
    except PermissionError:
        on_closed(path)
    except OSError:
        pass


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _descriptors(pid: int) -> list[str]:
    folder = f"/proc/{pid}/fd"
    try:
        return [f"{folder}/{name}" for name in os.listdir(folder)]
    except OSError:
        return []
