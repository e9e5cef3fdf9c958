"""What a phase leaves in its writable mounts: how much, and whether it is more than plain files and folders."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator

_MOST_NAMES = 20
_MOST_ENTRIES = 20_000


def describe(folders: list[str]) -> dict:
    """By kind. Nothing is opened but folders, no link is followed; `cut`: there was more than was looked at."""
    kinds: dict[str, int] = {}
    suspects: list[str] = []
    names: list[str] = []
    total = size = 0
    for path, status in _all_entries(folders):
        total += 1
        kind = _kind(path, status, folders)
        kinds[kind] = kinds.get(kind, 0) + 1
        if kind == "file":
            size += status.st_size
        if len(names) < _MOST_NAMES:
            names.append(_shown(path, folders))
        if kind not in ("file", "folder", "link") and len(suspects) < _MOST_NAMES:
            suspects.append(f"{_shown(path, folders)} ({kind})")
        if total >= _MOST_ENTRIES:
            break
    found = {"entries": total, "bytes": size, "kinds": kinds, "names": names, "unusual": suspects}
    return {**found, "cut": True} if total >= _MOST_ENTRIES else found


def count(folder: str, most: int = 1000) -> int:
    """Entries at the top of a folder, up to `most`."""
    with os.scandir(folder) as entries:
        return sum(1 for _ in itertools.islice(entries, most))


def _all_entries(folders: list[str]) -> Iterator[tuple[str, os.stat_result]]:
    todo = list(folders)
    while todo:
        folder = todo.pop()
        try:
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                continue
            with os.scandir(folder) as entries:
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    yield entry.path, status
                    if stat.S_ISDIR(status.st_mode):
                        todo.append(entry.path)
        except PermissionError:
            yield folder, os.stat_result((0,) * 10)
        except OSError:
            pass


def _kind(path: str, status: os.stat_result, folders: list[str]) -> str:
    mode = status.st_mode
    if mode == 0:
        return "closed"
    if mode & (stat.S_ISUID | stat.S_ISGID) and not stat.S_ISLNK(mode):
        return "set-user"
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISREG(mode):
        return "hard-link" if status.st_nlink > 1 else "file"
    if stat.S_ISLNK(mode):
        return "link" if _stays_inside(path, folders) else "link-out"
    if stat.S_ISFIFO(mode):
        return "pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"


def _stays_inside(path: str, folders: list[str]) -> bool:
    """Whether a link is relative and its words do not leave the mount that it lies in."""
    try:
        target = os.readlink(path)
    except OSError:
        return False
    end = os.path.normpath(os.path.join(os.path.dirname(path), target))
    home = next((one for one in folders if path.startswith(one.rstrip("/") + "/")), None)
    return not target.startswith("/") and home is not None and (end == home or end.startswith(home.rstrip("/") + "/"))


def _shown(path: str, folders: list[str]) -> str:
    home = next((one for one in folders if path.startswith(one.rstrip("/") + "/")), None)
    name = path if home is None else os.path.relpath(path, home)
    return name.encode(errors="replace").decode(errors="replace")[:200]
