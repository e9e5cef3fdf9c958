"""Starts one process: limits, cores, uid, then exec. Everything here runs between fork and exec."""

from __future__ import annotations

import os
import resource
import signal

import sandbox_kernel as kernel
import sandbox_reach as reach
from sandbox_command import Executable

FILE_BYTES = 2 << 30
OPEN_FILES = 4096
# The kernel ends these first when the machine's memory runs out, not the engine.
_FIRST_TO_DIE = b"1000"


class Limits:
    __slots__ = ("uid", "cores", "processes", "nested_process_limit")

    def __init__(self, uid: int | None, cores: list[int], processes: int, nested: bool) -> None:
        self.uid = uid
        self.cores = cores
        self.processes = processes
        self.nested_process_limit = nested
        """Count processes inside the sandbox only: without an own uid the user's other processes count too."""


class Pipes:
    """Descriptors that the child is to have: its three standard ones, and others by the variable that names them."""

    __slots__ = ("stdin", "stdout", "stderr", "named")

    def __init__(self, stdin: int, stdout: int, stderr: int, named: dict[str, int]) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.named = named


def spawn(
    executable: Executable, limits: Limits, pipes: Pipes, status: int | None = None, gate: int | None = None
) -> tuple[int, int]:
    """(pid, descriptor): the descriptor brings one sentence when the program could not be started, else nothing.

    Of a sealed program: `status` is where bubblewrap reports; it reads `gate` to its end before the program begins.
    """
    failure_reader, failure_writer = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        controls = {"--json-status-fd": status, "--block-fd": gate}
        _child(executable, limits, pipes, controls, parent, failure_writer)
    os.close(failure_writer)
    return pid, failure_reader


def _child(
    executable: Executable,
    limits: Limits,
    pipes: Pipes,
    controls: dict[str, int | None],
    parent: int,
    failure: int,
) -> None:
    step = "start a session"
    try:
        os.setsid()
        step = "connect the pipes"
        argv = _connect(executable, pipes, controls)
        step = f"reach its mounts as user {limits.uid}, to whom a folder above them is closed"
        _reach(executable.sources, limits.uid)
        step = "set the limits"
        _limit(limits)
        step = "give up privileges"
        _drop(limits.uid)
        kernel.die_with_parent(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        step = f"enter {executable.directory}"
        os.chdir(executable.directory)
        step = f"execute {argv[0]}"
        os.execvpe(argv[0], argv, executable.environment)
    except BaseException as error:  # noqa: BLE001 (nothing may return into the parent's code)
        os.write(failure, f"could not {step}: {getattr(error, 'strerror', None) or error}".encode()[:4000])
    finally:
        os._exit(127)


def _connect(executable: Executable, pipes: Pipes, controls: dict[str, int | None]) -> list[str]:
    passed = list(pipes.named.values())
    argv = list(executable.argv)
    for option, control in controls.items():
        if control is not None:
            argv[1:1] = [option, str(control)]
            passed.append(control)
    for word, content in (("{options}", executable.options), ("{filter}", executable.call_filter)):
        if content:
            descriptor = _in_memory(content)
            passed.append(descriptor)
            # The first one: bubblewrap's own words stand before the program's, which may be anything.
            argv[argv.index(word)] = str(descriptor)
    for number, content in executable.files.items():
        os.dup2(_in_memory(content), number)
    for number, descriptor in enumerate((pipes.stdin, pipes.stdout, pipes.stderr)):
        os.dup2(descriptor, number)
    for descriptor in passed:
        os.set_inheritable(descriptor, True)
    return argv


def _in_memory(content: bytes) -> int:
    """A descriptor from which `content` can be read once."""
    descriptor = os.memfd_create("options")
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _reach(sources: list[str], uid: int | None) -> None:
    if uid is not None:
        closed = reach.closed_sources(sources, uid)
        if closed:
            reach.open_up(closed, uid)


def _limit(limits: Limits) -> None:
    os.umask(0o022)
    if limits.cores:
        os.sched_setaffinity(0, limits.cores)
    _set_limit(resource.RLIMIT_CORE, 0)
    _set_limit(resource.RLIMIT_FSIZE, FILE_BYTES)
    _set_limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    if not limits.nested_process_limit:
        _set_limit(resource.RLIMIT_NPROC, limits.processes)
    try:
        with open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
            file.write(_FIRST_TO_DIE)
    except OSError:
        pass
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _set_limit(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def _drop(uid: int | None) -> None:
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    kernel.forbid_new_privileges()
