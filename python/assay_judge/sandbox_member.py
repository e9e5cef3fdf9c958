"""A process that was started for a phase, and the descriptor that tells of ended ones."""

from __future__ import annotations

import json
import os
import signal


class Wakeup:
    """A descriptor that becomes readable when a child ends or somebody asks to cancel."""

    def __init__(self) -> None:
        self.cancelled = False
        self.reader, writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(writer, False)
        signal.signal(signal.SIGTERM, self._on_cancel)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])

    def _on_cancel(self, *_: object) -> None:
        self.cancelled = True

    def clear(self) -> None:
        try:
            while os.read(self.reader, 512):
                pass
        except BlockingIOError:
            pass


class Member:
    """A process that was started for the phase: its own, or its peer."""

    def __init__(self, role: str, pid: int, failure: int, status: int, gate: int = -1) -> None:
        self.role = role
        self.pid = pid
        self.failure = failure
        self.status = status
        self.gate = gate
        """Its program begins when this is closed; -1: it need not wait, or runs already."""
        self.sandbox: int | None = None
        """Host pid of the first process in its namespace."""
        self.program: int | None = None
        """Host pid of the program in a sealed sandbox, once it was seen."""
        self.reported_exit = False
        self.wait_status: int | None = None
        self.ended_at = 0.0
        self._unread = b""

    def descriptors(self) -> list[int]:
        return [one for one in (self.failure, self.status) if one >= 0]

    def open_gate(self) -> None:
        if self.gate >= 0:
            os.close(self.gate)
            self.gate = -1

    def read(self, descriptor: int) -> bytes | None:
        """What came from one of its descriptors; None: nothing now; empty: it is closed and forgotten."""
        try:
            data = os.read(descriptor, 65536)
        except BlockingIOError:
            return None
        if not data:
            os.close(descriptor)
            if descriptor == self.failure:
                self.failure = -1
            else:
                self.status = -1
        return data

    def note_status(self, data: bytes) -> None:
        """Lines of JSON from bubblewrap."""
        self._unread += data
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            status = json.loads(line)
            self.sandbox = status.get("child-pid", self.sandbox)
            self.reported_exit = self.reported_exit or "exit-code" in status
