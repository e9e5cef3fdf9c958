"""Counts what runs in a sandbox from outside: processes, threads, CPU time, cores. The program itself is not asked."""

from __future__ import annotations

import os

import sandbox_processes as processes

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_STATE, _USER_TIME, _CHILDREN_TIME_END, _START = 0, 11, 15, 19
_MOST_NAMES = 8
# In these a program may still bear the name of what started it.
_FIRST_SAMPLES = 3


class Census:
    """All looks at one program. `cores`: those it was given."""

    def __init__(self, cores: set[int]) -> None:
        self.samples = 0
        self.processes = 0
        self.threads = 0
        self.orphans = 0
        self.zombies = 0
        self.stray_cores: set[int] = set()
        self.names: set[str] = set()
        self.waited_seconds: float | None = None
        self._cores = cores
        self._living: dict[tuple[int, bytes], tuple[float, float, float]] = {}
        """(pid, start) -> seconds on a core: its own, with its ended children; and seconds waiting for a core."""
        self._ended_seconds = 0.0
        self._ended_waits = 0.0

    def look(self, family: processes.Family, program: list[int], orphans: int) -> None:
        """`program`: the pids that belong to it, without the sandbox's own."""
        seen: dict[tuple[int, bytes], tuple[float, float, float]] = {}
        zombies = threads = 0
        for pid in program:
            fields = processes.stat_fields(pid)
            if fields is None:
                continue
            if fields[_STATE] in (b"Z", b"X"):
                zombies += 1
            else:
                threads += max(1, len(family[pid][1]))
                self._note_cores(family[pid][1])
            key = (pid, fields[_START])
            own = sum(map(int, fields[_USER_TIME : _USER_TIME + 2])) / _TICKS_PER_SECOND
            whole = sum(map(int, fields[_USER_TIME:_CHILDREN_TIME_END])) / _TICKS_PER_SECOND
            seen[key] = (own, whole, processes.seconds_waiting_for_a_core(pid) or 0.0)
            if key not in self._living or self.samples < _FIRST_SAMPLES:
                self._note_name(pid)
        if not seen:
            return
        self.samples += 1
        self.processes = max(self.processes, len(seen) - zombies)
        self.threads = max(self.threads, threads)
        self.orphans = max(self.orphans, orphans)
        self.zombies = max(self.zombies, zombies)
        for key, (own, _, waited) in self._living.items():
            if key not in seen:
                self._ended_seconds += own
                self._ended_waits += waited
        self._living = seen
        self.waited_seconds = self._ended_waits + sum(waited for _, _, waited in seen.values())

    def cpu_seconds(self) -> float:
        """At the last look, all processes together. A lower bound: what came and went between two looks is missing."""
        of_each = self._ended_seconds + sum(own for own, _, _ in self._living.values())
        return max(of_each, sum(whole for _, whole, _ in self._living.values()))

    def _note_cores(self, threads: list[int]) -> None:
        for thread in threads:
            try:
                allowed = os.sched_getaffinity(thread)
            except OSError:
                continue
            if not allowed <= self._cores:
                self.stray_cores |= allowed - self._cores

    def _note_name(self, pid: int) -> None:
        if len(self.names) < _MOST_NAMES:
            name = processes.name_of(pid)
            if name and name != "bwrap":
                self.names.add(name)

    def describe(self) -> dict:
        """Peaks are absent when there was no look in time: unknown is not 0."""
        found: dict = {"samples": self.samples}
        if self.samples:
            found.update(
                peakProcesses=self.processes,
                peakThreads=self.threads,
                peakOrphans=self.orphans,
                peakZombies=self.zombies,
                strayCores=sorted(self.stray_cores),
                names=sorted(self.names),
            )
        if self.waited_seconds is not None:
            found["waitedSeconds"] = round(self.waited_seconds, 6)
        return found
