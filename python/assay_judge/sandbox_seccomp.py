"""A filter of system calls for sealed programs: what a namespace does not separate is not there.

No honest training program needs these; each is a way around the seal, the cores or the judge's clock:

- sockets of families that a network namespace does not cover (vsock reaches the host of a virtual machine and other
  sandboxes); io_uring, which would make such sockets past this filter;
- the kernel's key rings, where something could be kept for the next run;
- the choice of cores; looking into other processes; mounts and namespaces; the clock; the kernel's own log.

A call that is filtered fails with EPERM (io_uring: ENOSYS, so that libraries take their other way; socket families:
EAFNOSUPPORT). Calls of another architecture (32 bits on a 64-bit machine) fail with ENOSYS.
"""

from __future__ import annotations

import errno
import os
import struct

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_IF_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW = 0x7FFF0000
_FAIL = 0x00050000
_X32_BIT = 0x40000000
_FAMILIES = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: each of its own in a network namespace."""

# Same numbers everywhere.
_RECENT = {
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
    "quotactl_fd": 443,
}
_IO_URING = {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427}
_X86_64 = {
    "ptrace": 101,
    "syslog": 103,
    "pivot_root": 155,
    "adjtimex": 159,
    "chroot": 161,
    "acct": 163,
    "settimeofday": 164,
    "mount": 165,
    "umount2": 166,
    "swapon": 167,
    "swapoff": 168,
    "reboot": 169,
    "sethostname": 170,
    "setdomainname": 171,
    "iopl": 172,
    "ioperm": 173,
    "init_module": 175,
    "delete_module": 176,
    "quotactl": 179,
    "sched_setaffinity": 203,
    "clock_settime": 227,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "perf_event_open": 298,
    "fanotify_init": 300,
    "name_to_handle_at": 303,
    "open_by_handle_at": 304,
    "clock_adjtime": 305,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    "finit_module": 313,
    "kexec_file_load": 320,
    "bpf": 321,
    "userfaultfd": 323,
}
_AARCH64 = {
    "umount2": 39,
    "mount": 40,
    "pivot_root": 41,
    "chroot": 51,
    "quotactl": 60,
    "acct": 89,
    "unshare": 97,
    "kexec_load": 104,
    "init_module": 105,
    "delete_module": 106,
    "clock_settime": 112,
    "syslog": 116,
    "ptrace": 117,
    "sched_setaffinity": 122,
    "reboot": 142,
    "sethostname": 161,
    "setdomainname": 162,
    "settimeofday": 170,
    "adjtimex": 171,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "swapon": 224,
    "swapoff": 225,
    "perf_event_open": 241,
    "fanotify_init": 262,
    "name_to_handle_at": 264,
    "open_by_handle_at": 265,
    "clock_adjtime": 266,
    "setns": 268,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "kcmp": 272,
    "finit_module": 273,
    "bpf": 280,
    "userfaultfd": 282,
    "kexec_file_load": 294,
}
# Machine: (AUDIT_ARCH_*, number of socket, calls that fail).
_MACHINES = {"x86_64": (0xC000003E, 41, _X86_64), "aarch64": (0xC00000B7, 198, _AARCH64)}


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def denied_calls(machine: str) -> dict[str, int]:
    """Names and numbers of all calls that fail whatever their arguments are. Empty: not known for this machine."""
    return {**_MACHINES[machine][2], **_RECENT, **_IO_URING} if machine in _MACHINES else {}


def filter_for(machine: str) -> bytes | None:
    """The program as the kernel takes it (struct sock_filter, one after another). None: not known for this machine."""
    if machine not in _MACHINES:
        return None
    architecture, socket_number, denied = _MACHINES[machine]
    no = _step(_RETURN, _FAIL | errno.EPERM)
    absent = _step(_RETURN, _FAIL | errno.ENOSYS)
    steps = [_step(_LOAD, _ARCHITECTURE), _step(_IF_EQUAL, architecture, 1, 0), absent]
    steps += [_step(_LOAD, _NUMBER), _step(_IF_AT_LEAST, _X32_BIT, 0, 1), absent]
    for number in _IO_URING.values():
        steps += [_step(_IF_EQUAL, number, 0, 1), absent]
    for number in (*denied.values(), *_RECENT.values()):
        steps += [_step(_IF_EQUAL, number, 0, 1), no]
    steps += [_step(_IF_EQUAL, socket_number, 1, 0), _step(_RETURN, _ALLOW), _step(_LOAD, _FIRST_ARGUMENT)]
    for family in _FAMILIES:
        steps += [_step(_IF_EQUAL, family, 0, 1), _step(_RETURN, _ALLOW)]
    return b"".join([*steps, _step(_RETURN, _FAIL | errno.EAFNOSUPPORT)])


FILTER = filter_for(os.uname().machine)
