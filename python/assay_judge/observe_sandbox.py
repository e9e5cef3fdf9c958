"""Looks into a sealed sandbox through /proc: when it stands, whether it is fresh, where its program is."""

from __future__ import annotations

import os
import time

import sandbox_processes as processes

_STANDS_WITHIN_SECONDS = 5.0
_LOOK_SECONDS = 0.0002
# bubblewrap's root while it puts the mounts together.
_BUILDING = "newroot"
_FRESH_FOLDERS = ("/tmp", "/dev/shm")
_NAMESPACES = ("mnt", "pid", "net", "ipc", "uts", "user")
_FIRST_PROGRAM = 2


def wait_until_it_stands(pid: int) -> bool:
    """Whether all mounts are in place. False: its first process (`pid`) is gone, or may not be looked at."""
    deadline = time.monotonic() + _STANDS_WITHIN_SECONDS
    try:
        own = os.stat("/").st_dev
        while time.monotonic() < deadline:
            root = f"/proc/{pid}/root"
            if os.stat(root).st_dev != own and _BUILDING not in os.listdir(root):
                return True
            time.sleep(_LOOK_SECONDS)
    except OSError:
        pass
    return False


def freshness(pid: int, targets: list[str], not_before: float) -> dict:
    """What lies where nothing may lie before a program begins. Raises OSError when it cannot be seen.

    `targets`: of the mounts. `not_before`: Unix time; a folder in memory that is older was not made for this phase.
    """
    entries: dict[str, int] = {}
    stale: list[str] = []
    for folder in _FRESH_FOLDERS:
        place = f"/proc/{pid}/root{folder}"
        meant = {one[len(folder) + 1 :].split("/")[0] for one in targets if one.startswith(folder + "/")}
        entries[folder] = sum(1 for name in os.listdir(place) if name not in meant)
        status = os.stat(place)
        if not meant and status.st_ctime < not_before:
            stale.append(folder)
        if os.stat(folder).st_dev == status.st_dev:
            stale.append(folder)
    shared = [name for name in _NAMESPACES if _namespace(pid, name) == _namespace("self", name)]
    return {"entries": entries, "stale": stale, "sharedNamespaces": shared}


def _namespace(pid: int | str, name: str) -> int:
    return os.stat(f"/proc/{pid}/ns/{name}").st_ino


def program_of(first: int, family: processes.Family) -> int | None:
    """The program that a sandbox was made for: the second process of its pid namespace. None: not yet, or no more."""
    for pid, (parent, _) in family.items():
        if parent == first and processes.inner_pid(pid) == _FIRST_PROGRAM:
            return pid
    return None
