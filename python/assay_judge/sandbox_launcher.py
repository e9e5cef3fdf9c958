"""A fork server: starts a supervisor for each line that comes, says when it ends, and outlives nothing.

In: one JSON object a line, {"token", "directory"}. Out: {"event": "ready" | "started" | "refused" | "ended", ...}.
At the end of its input it exits; the supervisors that it started go on.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal

import sandbox_command as command
import sandbox_kernel as kernel
import sandbox_record as record
import sandbox_supervisor as supervisor
from sandbox_spawn import Limits, Pipes, spawn

_PROBE_SECONDS = 10
_PROBE_MEMORY_BYTES = 64 << 20


def probe(uid: int | None) -> str | None:
    """Why bubblewrap cannot be used here as `uid`; None: it can."""
    bubblewrap = command.find_bubblewrap()
    if bubblewrap is None:
        return "bubblewrap is not installed"
    run = {"command": ["/bin/true"], "mounts": [], "directory": "/tmp"}
    executable = command.bubblewrap_executable(bubblewrap, run, {}, _PROBE_MEMORY_BYTES, [], [])
    reader, writer = os.pipe()
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    pid, failure = spawn(executable, Limits(uid, [], 4096, nested=True), Pipes(null, writer, writer, {}))
    os.close(writer)
    words = _read_until_closed([reader, failure])
    os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    for descriptor in (reader, failure, null):
        os.close(descriptor)
    if status == 0:
        return None
    return f"bubblewrap does not work here: {words or 'it did not answer'}"


def _read_until_closed(readers: list[int]) -> str:
    poller = select.poll()
    for reader in readers:
        poller.register(reader, select.POLLIN)
    words = b""
    waiting = len(readers)
    while waiting:
        events = poller.poll(_PROBE_SECONDS * 1000)
        if not events:
            break
        for descriptor, _ in events:
            data = os.read(descriptor, 4096)
            words += data
            if not data:
                poller.unregister(descriptor)
                waiting -= 1
    return words.decode(errors="replace").strip()


class Launcher:
    def __init__(self) -> None:
        self.tokens: dict[int, str] = {}
        self.inotify_of: dict[int, int] = {}
        self.idle_inotify: list[int] = []
        """To close one takes the kernel 15 ms, so they are used again."""
        self.unread = b""

    def say(self, **event: object) -> None:
        record.write_all(1, json.dumps(event, separators=(",", ":")).encode() + b"\n")

    def serve(self) -> None:
        """Returns at the end of the input."""
        wakeup_reader, wakeup_writer = os.pipe()
        os.set_blocking(wakeup_reader, False)
        os.set_blocking(wakeup_writer, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup_writer, warn_on_full_buffer=False)
        poller = select.poll()
        poller.register(0, select.POLLIN)
        poller.register(wakeup_reader, select.POLLIN)
        gc.freeze()
        gc.disable()
        while True:
            ready = [descriptor for descriptor, _ in poller.poll()]
            if wakeup_reader in ready:
                os.read(wakeup_reader, 512)
                self._reap()
            if 0 in ready and not self._read():
                return

    def _read(self) -> bool:
        data = os.read(0, 65536)
        self.unread += data
        *lines, self.unread = self.unread.split(b"\n")
        for line in lines:
            self._launch(json.loads(line))
        return bool(data)

    def _launch(self, request: dict) -> None:
        token = request["token"]
        inotify = self._inotify()
        try:
            pid = os.fork()
        except OSError as error:
            if inotify is not None:
                self.idle_inotify.append(inotify)
            return self.say(event="refused", token=token, detail=f"fork: {error.strerror}")
        if pid == 0:
            signal.set_wakeup_fd(-1)
            supervisor.become_supervisor(request["directory"], inotify)
        self.tokens[pid] = token
        if inotify is not None:
            self.inotify_of[pid] = inotify
        return self.say(event="started", token=token, pid=pid)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._free_inotify(pid, has_ended_well=status == 0)
            token = self.tokens.pop(pid, None)
            if token is not None:
                code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
                self.say(event="ended", token=token, code=code)

    def _inotify(self) -> int | None:
        """None: there are no more to be had; the supervisor tries itself when it needs one."""
        if self.idle_inotify:
            return self.idle_inotify.pop()
        try:
            return kernel.inotify()
        except OSError:
            return None

    def _free_inotify(self, pid: int, has_ended_well: bool) -> None:
        inotify = self.inotify_of.pop(pid, None)
        if inotify is None:
            return
        if has_ended_well:
            self.idle_inotify.append(inotify)
        else:
            # What it watched is watched still.
            os.close(inotify)


def launch(uid: int | None) -> None:
    # A supervisor that is asked to end before it can listen is asked again when it can.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    launcher = Launcher()
    try:
        launcher.say(event="ready", refusal=probe(uid))
        launcher.serve()
    except BrokenPipeError:
        pass
