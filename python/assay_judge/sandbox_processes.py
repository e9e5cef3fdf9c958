"""What /proc says of processes: identity, children, memory."""

from __future__ import annotations

import os
import signal
import time

Family = dict[int, tuple[int, list[int]]]
"""pid -> (parent, threads), parents first."""

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while True:
            part = os.read(descriptor, 65536)
            if not part:
                return b"".join(parts)
            parts.append(part)
    finally:
        os.close(descriptor)


def stat_fields(pid: int) -> list[bytes] | None:
    """Fields of /proc/PID/stat from the third (state) on. None: there is no such process."""
    try:
        return _read(f"/proc/{pid}/stat").rsplit(b")", 1)[1].split()
    except (OSError, IndexError):
        return None


def process_start(pid: int) -> int | None:
    """Clock ticks from boot to the start of the process: with the pid it names a process for ever."""
    fields = stat_fields(pid)
    return None if fields is None else int(fields[19])


def is_alive(pid: int, start: int) -> bool:
    """A zombie counts as dead."""
    fields = stat_fields(pid)
    return fields is not None and int(fields[19]) == start and fields[0] not in (b"Z", b"X")


def boot_id() -> str:
    try:
        return _read("/proc/sys/kernel/random/boot_id").decode().strip()
    except OSError:
        return ""


def _all_parents() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        fields = stat_fields(int(name)) if name.isdigit() else None
        if fields is not None:
            children.setdefault(int(fields[1]), []).append(int(name))
    return children


def _threads(pid: int) -> list[int]:
    try:
        return list(map(int, os.listdir(f"/proc/{pid}/task")))
    except OSError:
        return []


def _children(pid: int, threads: list[int]) -> list[int]:
    found: list[int] = []
    for thread in threads:
        try:
            found += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
        except OSError:
            # It ended; the others may have children.
            continue
    return found


_HAS_CHILDREN_FILE = os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def family(root: int) -> Family:
    """All descendants, zombies among them, without `root` itself."""
    by_parent = None if _HAS_CHILDREN_FILE else _all_parents()
    found: Family = {}
    todo = [(root, _threads(root))]
    while todo:
        pid, threads = todo.pop()
        for child in _children(pid, threads) if by_parent is None else by_parent.get(pid, []):
            if child != root and child not in found:
                of_child = _threads(child)
                found[child] = (pid, of_child)
                todo.append((child, of_child))
    return found


def descendants(pid: int) -> list[int]:
    """Pids of all descendants, zombies among them, without `pid` itself."""
    return list(family(pid))


def inner_pid(pid: int) -> int | None:
    """Its number in its own pid namespace. None: it is gone."""
    try:
        for line in _read(f"/proc/{pid}/status").splitlines():
            if line.startswith(b"NSpid:"):
                return int(line.split()[-1])
    except OSError:
        pass
    return None


def name_of(pid: int) -> str:
    """As the program calls itself: at most 15 characters, made safe to show. Empty: it is gone."""
    try:
        text = _read(f"/proc/{pid}/comm").decode(errors="replace").rstrip("\n")
    except OSError:
        return ""
    return "".join(one if one.isprintable() else "?" for one in text)


def seconds_waiting_for_a_core(pid: int) -> float | None:
    """Of its first thread: ready to run while others ran. None: gone, or the kernel does not count it."""
    try:
        return int(_read(f"/proc/{pid}/schedstat").split()[1]) / 1e9
    except (OSError, IndexError):
        return None


def resident_bytes(pid: int) -> int:
    """Resident set: shared pages count for every process that maps them. 0 when the process is gone."""
    try:
        return int(_read(f"/proc/{pid}/statm").split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def proportional_bytes(pid: int) -> tuple[int, int]:
    """(proportional set size, its part that is shared memory): shared pages are divided among those that map them."""
    total = shared = 0
    try:
        for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                total = int(line.split()[1]) * 1024
            elif line.startswith(b"Pss_Shmem:"):
                shared = int(line.split()[1]) * 1024
    except OSError:
        pass
    return total, shared


def has_in_environment(pid: int, entry: bytes) -> bool:
    try:
        return entry in _read(f"/proc/{pid}/environ").split(b"\0")
    except OSError:
        return False


def send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def freeze(pids_of) -> None:  # noqa: ANN001
    """Stop processes until no new one appears: a fork bomb that is killed one by one grows back."""
    seen: set[int] = set()
    for _ in range(100):
        new = [pid for pid in pids_of() if pid not in seen]
        if not new:
            return
        for pid in new:
            send(pid, signal.SIGSTOP)
        seen.update(new)
        time.sleep(0.001)


def count_of_user(uid: int) -> int:
    """Processes and threads of a user on the whole machine."""
    total = 0
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == uid:
                total += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            pass
    return total
