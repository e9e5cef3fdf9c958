"""Makes the sources of mounts reachable for the uid that a sandbox runs as.

Root drops to the slot's uid before anything else happens, and that uid cannot pass a folder such as /root (mode
700). In a mount namespace of the child alone, such a folder is covered by an empty one, and only the needed sources
are put back at their own paths.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

import sandbox_kernel as kernel


def first_closed_folder(path: str, uid: int) -> str | None:
    """The outermost folder above `path` that `uid` and its group cannot pass. Access lists are ignored."""
    folder = ""
    for part in path.split("/")[1:-1]:
        folder += "/" + part
        if not _may_pass(os.stat(folder), uid):
            return folder
    return None


def _may_pass(status: os.stat_result, uid: int) -> bool:
    if status.st_uid == uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == uid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def closed_sources(sources: list[str], uid: int) -> list[str]:
    return sorted((one for one in set(sources) if first_closed_folder(one, uid) is not None), key=len)


def open_up(sources: list[str], uid: int) -> None:
    """Make `sources` (of closed_sources) reachable for this process and its children. Needs CAP_SYS_ADMIN."""
    kernel.enter_private_mounts()
    opened = [(source, os.open(source, os.O_PATH | os.O_CLOEXEC)) for source in sources]
    for source, descriptor in opened:
        wanted = os.fstat(descriptor)
        while True:
            closed = _closed_in_view(source, uid)
            if closed is None:
                break
            kernel.mount_empty(closed)
        if not _shows(source, wanted):
            _make_place(source, stat.S_ISDIR(wanted.st_mode))
            kernel.bind_descriptor(descriptor, source)
        os.close(descriptor)


def _closed_in_view(source: str, uid: int) -> str | None:
    try:
        return first_closed_folder(source, uid)
    except FileNotFoundError:
        return None


def _shows(path: str, wanted: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), wanted)
    except FileNotFoundError:
        return False


def _make_place(path: str, is_folder: bool) -> None:
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    if is_folder:
        os.mkdir(path, 0o755)
    else:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))


def give_to(path: str, uid: int) -> None:
    """chown a tree without following links. No process of the candidate runs meanwhile."""
    for one, status in _entries(path):
        # A second name may be that of a file elsewhere (the weak sandbox allows it): such a one stays whose it is.
        is_shared = status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode)
        if not is_shared and (status.st_uid != uid or status.st_gid != uid):
            os.chown(one, uid, uid, follow_symlinks=False)


def show_to_others(path: str, owner: int) -> None:
    """Let everybody read what `owner` left in a tree, whatever modes it gave. What belongs to others stays as it is."""
    for one, status in _entries(path):
        is_folder = stat.S_ISDIR(status.st_mode)
        mode = stat.S_IMODE(status.st_mode)
        wanted = mode | (0o555 if is_folder else 0o444)
        if status.st_uid == owner and mode != wanted and (is_folder or stat.S_ISREG(status.st_mode)):
            os.chmod(one, wanted)


def _entries(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """A file, or a folder and all below it, each before what is in it. Links are entries, not followed."""
    status = os.lstat(path)
    yield path, status
    todo = [path] if stat.S_ISDIR(status.st_mode) else []
    while todo:
        with os.scandir(todo.pop()) as entries:
            for entry in entries:
                yield entry.path, entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)


def remove_tree(path: str) -> None:
    """Remove a folder and what is in it, without following links; what cannot be removed stays."""
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    remove_tree(entry.path)
                else:
                    os.unlink(entry.path)
        os.rmdir(path)
    except OSError:
        pass
