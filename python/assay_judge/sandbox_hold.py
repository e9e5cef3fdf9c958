"""Keeps a sealed sandbox from vanishing in the moment its program ends, so that one can see what outlives it.

bubblewrap's outer process ends as soon as the program has, and the kernel ends the namespace with it. It is stopped
while the program runs: then the namespace lives until its last process has ended, or until we let the outer one go on.
"""

from __future__ import annotations

import os
import signal

import sandbox_processes as processes
from sandbox_member import Member

LINGER_SECONDS = 0.1
"""How long helpers that end by themselves (of a library, say) may take after the program has ended."""


class Hold:
    """Of a member whose sandbox stands. Raises OSError where the kernel has no descriptors of processes."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.deadline = float("inf")
        """When to look at what is left."""
        self.ended_at: float | None = None
        """When the program's own process ended; None: not yet."""
        self.is_on = True
        self._sandbox = os.pidfd_open(member.sandbox or 0)
        self._program = -1
        processes.send(member.pid, signal.SIGSTOP)

    @property
    def knows_program(self) -> bool:
        return self._program >= 0

    def watch_program(self, pid: int) -> int | None:
        """A descriptor to wait on. None: it has ended already."""
        try:
            self._program = os.pidfd_open(pid)
        except OSError:
            return None
        return self._program

    def descriptors(self) -> list[int]:
        return [one for one in (self._sandbox, self._program) if one >= 0]

    def is_of_sandbox(self, descriptor: int) -> bool:
        return descriptor == self._sandbox

    def program_ended(self, now: float) -> None:
        if self.ended_at is None:
            self.ended_at = now
            self.deadline = now + LINGER_SECONDS

    def let_go(self) -> None:
        self.is_on = False
        self.deadline = float("inf")
        processes.send(self.member.pid, signal.SIGCONT)

    def close(self) -> None:
        for descriptor in self.descriptors():
            os.close(descriptor)
        self._sandbox = self._program = -1
