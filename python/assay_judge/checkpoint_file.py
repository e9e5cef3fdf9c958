"""Reads what a training run declared as its result, as hostile input: one plain file of a bounded size."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

MOST_ENTRIES = 10_000
"""Entries beside the checkpoint that are looked at."""


@dataclass(frozen=True)
class CheckpointFile:
    """What stands at the declared place. Without a problem, `content` is the whole file."""

    path: Path
    size: int = 0
    content: bytes = b""
    """Empty if it is larger than the limit."""
    problem: str = ""
    """Why nothing was read, empty if there is nothing to say."""
    is_hostile: bool = False
    """Whether the problem is one that an honest candidate does not have."""
    others: int = 0
    """Other entries in its folder and below. They are shown to nobody."""
    other_bytes: int = 0

    def digest(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass
class Beside:
    """What else the training run left."""

    entries: int = 0
    size: int = 0
    links_outside: int = 0

    def look_at(self, folder: str, root: str, checkpoint: str) -> None:
        """Counts what a folder holds, without following links."""
        for entry in os.scandir(folder):
            if entry.path == checkpoint or self.entries >= MOST_ENTRIES:
                continue
            self.entries += 1
            if entry.is_symlink():
                target = os.path.normpath(os.path.join(folder, os.readlink(entry.path)))
                self.links_outside += not target.startswith(f"{root}/")
            elif entry.is_dir(follow_symlinks=False):
                self.look_at(entry.path, root, checkpoint)
            else:
                self.size += entry.stat(follow_symlinks=False).st_size


def read_checkpoint(path: Path, limit: int) -> CheckpointFile:
    """Reads the file without following a link. `limit`: largest size in bytes. Never raises OSError."""
    beside = Beside()
    try:
        beside.look_at(str(path.parent), str(path.parent), str(path))
    except OSError as error:
        return CheckpointFile(path, problem=f"its folder cannot be read: {error.strerror}", is_hostile=True)
    others = {"others": beside.entries, "other_bytes": beside.size}
    if beside.links_outside:
        words = f"{beside.links_outside} links beside {path.name} lead out of the folder"
        return CheckpointFile(path, problem=words, is_hostile=True, **others)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return CheckpointFile(path, problem=f"there is no {path.name}", **others)
    except OSError as error:
        words = f"{path.name} is a link" if path.is_symlink() else f"{path.name} cannot be read: {error.strerror}"
        return CheckpointFile(path, problem=words, is_hostile=True, **others)
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        return CheckpointFile(path, problem=f"{path.name} is no plain file", is_hostile=True, **others)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limit) if facts.st_size <= limit else b""
        return CheckpointFile(path, size=facts.st_size, content=content, **others)
