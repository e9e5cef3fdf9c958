"""The few Linux calls that Python's standard library has no name for."""

from __future__ import annotations

import ctypes
import errno
import os

_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_CLONE_NEWNS = 0x00020000
_MS_NOSUID = 0x2
_MS_NODEV = 0x4
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_PRIVATE = 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _prctl(option: int, value: int) -> None:
    _check(_libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)))


def die_with_parent(signal_number: int) -> None:
    """The kernel sends `signal_number` to this process when its parent ends. A change of uid clears it."""
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> None:
    """Descendants whose parent ends become children of this process, not of pid 1."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forbid_new_privileges() -> None:
    """Set-uid programs give nothing from here on. Cannot be undone."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def has_call_filters() -> bool:
    """Whether the kernel takes filters of system calls (seccomp): one at address 0 is then an address error."""
    try:
        _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER)
    except OSError as error:
        return error.errno == errno.EFAULT
    return False


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    encode = os.fsencode
    _check(_libc.mount(encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), encode(options) or None))


def enter_private_mounts() -> None:
    """A mount namespace of our own: what is mounted here is seen by this process and its children only."""
    _check(_libc.unshare(_CLONE_NEWNS))
    _mount("none", "/", "", _MS_REC | _MS_PRIVATE)


def mount_empty(target: str) -> None:
    """Cover the folder `target` by an empty one that everybody may enter."""
    _mount("assay", target, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")


def bind_descriptor(descriptor: int, target: str) -> None:
    """Show what `descriptor` was opened on (with O_PATH) at `target`."""
    _mount(f"/proc/self/fd/{descriptor}", target, "", _MS_BIND | _MS_REC)


def inotify() -> int:
    """A descriptor that reports what happens to the files it is told to watch. It does not block."""
    return _descriptor(_libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))


def inotify_watch(descriptor: int, path: str, mask: int) -> int:
    """The number by which events name `path`. It is the file that is watched, not its name."""
    return _descriptor(_libc.inotify_add_watch(descriptor, os.fsencode(path), ctypes.c_uint32(mask)))


def inotify_forget(descriptor: int, watch: int) -> None:
    _libc.inotify_rm_watch(descriptor, watch)


def _descriptor(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
