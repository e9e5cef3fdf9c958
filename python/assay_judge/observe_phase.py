"""All that the supervisor observes of a phase beside its limits: the `observations` of a PhaseEnd.

What could not be observed is absent, never a zero: whoever reads it must not take silence for innocence.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import observe_leftovers as leftovers
import observe_sandbox as sandbox
import observe_tripwires as tripwires
import sandbox_kernel as kernel
import sandbox_processes as processes
from observe_census import Census
from observe_network import NetworkWatch
from sandbox_member import Member

FIRST_LOOKS = (0.002, 0.010)
INTERVAL = 0.05
# Looking costs less than this part of one core, however many threads there are to look at.
_MOST_OF_A_CORE = 0.01


class _Watched:
    """One member and what watches it."""

    def __init__(self, member: Member, run: dict, decoys: list[tripwires.Decoy], cores: set[int]) -> None:
        self.member = member
        self.run = run
        self.decoys = decoys
        self.census = Census(cores)
        self.network: NetworkWatch | None = None
        self.tripwires: tripwires.Tripwires | None = None
        self.found: dict = {}
        self.cpu_seconds = 0.0
        self.began_at = time.monotonic()


class PhaseObserver:
    def __init__(self, spec: dict, attempt: dict, directory: str) -> None:
        self.sealed = attempt["sandbox"] == "bubblewrap"
        self.spec = spec
        self.directory = directory
        self.cost_seconds = 0.0
        self.next_look = float("inf")
        self._attempt = attempt
        self._cores = set(attempt["cores"]) or os.sched_getaffinity(0)
        self._watched: dict[str, _Watched] = {}
        self._owners: dict[int, str] = {}
        self._looks = 0
        self._last_cost = 0.0
        self._clocks: dict[str, float] = {}
        self._began = 0.0
        self._ready: dict | None = None
        self._limit: dict | None = None
        self._ready_at: float | None = None

    def begin(self) -> None:
        self._began = time.monotonic()
        self._clocks = _clocks()

    def decoys_of(self, run: dict) -> list[tripwires.Decoy]:
        """A sandbox that cannot show other files than the machine has none."""
        return [tripwires.Decoy(one) for one in run.get("tripwires") or []] if self.sealed else []

    def add(self, member: Member, run: dict, decoys: list[tripwires.Decoy]) -> None:
        """It has been forked. Where nothing is sealed its program runs from `on_program` on."""
        self._watched[member.role] = _Watched(member, run, decoys, self._cores)

    def on_program(self) -> None:
        """A program has begun: what ran before it, with our cores and name, was still this supervisor's own code."""
        if not self.sealed:
            self._looks = 0
            self.next_look = time.monotonic() + FIRST_LOOKS[0]

    def before_program(self, member: Member) -> int | None:
        """Its sandbox is being made and its program waits. A descriptor that reports on decoys, if there are any."""
        watched = self._watched[member.role]
        pid = member.sandbox or 0
        stands = sandbox.wait_until_it_stands(pid)
        cost = time.thread_time()
        if stands:
            self._note("network", watched, lambda: NetworkWatch(pid))
            self._note("tripwires", watched, lambda: self._tripwires(watched.decoys, pid))
            targets = [mount["target"] for mount in watched.run["mounts"]]
            fresh = _unless_unseen(lambda: sandbox.freshness(pid, targets, self._clocks["realtime"] - 0.1))
            if fresh is not None:
                fresh["entries"].update(self._entries_of_mounts(watched.run))
                watched.found["fresh"] = fresh
        watched.began_at = time.monotonic()
        self._looks = 0
        self.next_look = watched.began_at + FIRST_LOOKS[0]
        self.cost_seconds += time.thread_time() - cost
        return watched.tripwires.descriptor if watched.tripwires is not None else None

    def _tripwires(self, decoys: list[tripwires.Decoy], pid: int) -> tripwires.Tripwires | None:
        if not decoys:
            return None
        if self._attempt.get("inotify") is None:
            self._attempt["inotify"] = kernel.inotify()
        return tripwires.Tripwires(decoys, self._attempt["inotify"], pid)

    def _note(self, name: str, watched: _Watched, make: Callable[[], object]) -> None:
        setattr(watched, name, _unless_unseen(make))

    def _entries_of_mounts(self, run: dict) -> dict[str, int]:
        return {
            mount["target"]: leftovers.count(mount["source"])
            for mount in run["mounts"]
            if mount.get("writable") and os.path.isdir(mount["source"])
        }

    def on_decoy(self, descriptor: int) -> bool:
        """Takes the events of a descriptor that before_program gave. False: it is not one of them."""
        for watched in self._watched.values():
            if watched.tripwires is not None and watched.tripwires.descriptor == descriptor:
                watched.tripwires.read()
                return True
        return False

    def look(self, now: float, family: processes.Family | None = None) -> processes.Family:
        """Counts what runs. `family`: of this supervisor, if somebody has just asked for it."""
        cost = time.thread_time()
        if family is None:
            family = processes.family(os.getpid())
        programs = self._programs(family)
        for role, watched in self._watched.items():
            watched.census.look(family, programs[role], self._orphans(watched.member, family, programs[role]))
        spent = time.thread_time() - cost
        self.cost_seconds += spent
        self._looks += 1
        self.next_look = now + self._wait(min(spent, self._last_cost))
        self._last_cost = spent
        return family

    def _wait(self, cost: float) -> float:
        """Seconds until the next look. `cost`: the smaller of the last two looks, since one may have been slow because
        the machine stood still, and seconds without a look would follow."""
        if self._looks < len(FIRST_LOOKS):
            return FIRST_LOOKS[self._looks]
        return max(INTERVAL, cost / _MOST_OF_A_CORE)

    def _programs(self, family: processes.Family) -> dict[str, list[int]]:
        """Pids by role, without the sandboxes' own processes."""
        programs: dict[str, list[int]] = {role: [] for role in self._watched}
        roots = {watched.member.pid: role for role, watched in self._watched.items()}
        sandboxes = {watched.member.sandbox for watched in self._watched.values()}
        for pid, (parent, _) in family.items():
            role = roots.get(pid) or self._owners.get(parent) or self._owners.get(pid)
            # One that lost its parent before it was ever seen.
            role = role or ("main" if "main" in programs else next(iter(programs)))
            self._owners[pid] = role
            if not self.sealed or (pid not in roots and pid not in sandboxes):
                programs[role].append(pid)
        self._owners = {pid: self._owners[pid] for pid in family}
        return programs

    def _orphans(self, member: Member, family: processes.Family, program: list[int]) -> int:
        """How many outlived the process that made them: daemons are among them."""
        if not self.sealed:
            return sum(1 for pid in program if family[pid][0] == os.getpid() and pid != member.pid)
        if member.program is None and member.sandbox is not None:
            member.program = sandbox.program_of(member.sandbox, family)
        return sum(1 for pid in program if family[pid][0] == member.sandbox and pid != member.program)

    def running(self, role: str) -> list[int]:
        """Pids of its program that are alive now."""
        family = processes.family(os.getpid())
        pids = self._programs(family).get(role, [])
        living = [pid for pid in pids if (processes.stat_fields(pid) or [b"X"])[0] not in (b"Z", b"X")]
        return living

    def on_ready(self, now: float) -> None:
        """The judge's clock starts: what has the program done before?"""
        self._ready_at = now
        family = self.look(now)
        watched = self._watched.get("main")
        if watched is not None and family and watched.census.samples:
            self._ready = {
                "wallSeconds": round(now - watched.began_at, 6),
                "cpuSeconds": round(watched.census.cpu_seconds(), 6),
                "processes": watched.census.processes,
                "threads": watched.census.threads,
            }

    def on_limit(self, now: float) -> None:
        """The budget is used up: what the program does from here on is work over time. Called once."""
        family = self.look(now)
        watched = self._watched.get("main")
        if watched is not None and family and watched.census.samples:
            passed = now - (self._ready_at if self._ready_at is not None else now)
            self._limit = {"readySeconds": round(passed, 6), "cpuSeconds": round(watched.census.cpu_seconds(), 6)}

    def on_lingering(self, pids: list[int], seconds: float) -> None:
        """`pids` were still alive `seconds` after the program's own process had ended (none: all ended with it)."""
        watched = self._watched.get("main")
        if watched is not None:
            names = sorted({processes.name_of(pid) for pid in pids[:20]} - {""})
            watched.found["leftoverProcesses"] = {"count": len(pids), "names": names, "seconds": round(seconds, 6)}

    def note_usage(self, pid: int, cpu_seconds: float) -> None:
        """What the kernel says of an ended child of ours, its own ended children included."""
        for watched in self._watched.values():
            if pid in (watched.member.pid, watched.member.sandbox):
                watched.cpu_seconds += cpu_seconds
                return
        role = self._owners.get(pid, "main")
        if role in self._watched:
            self._watched[role].cpu_seconds += cpu_seconds

    def describe(self, ended_at: float) -> dict:
        """All processes have ended, all output is written."""
        cost = time.thread_time()
        found: dict = {"clocks": self._clock_differences()}
        for role, watched in self._watched.items():
            found[role] = self._describe_member(watched, ended_at)
        folders = [one["source"] for one in self._writable_mounts()]
        found["leftoverFiles"] = leftovers.describe(folders)
        main = self._watched.get("main")
        if self._ready is None and self._ready_at is not None and main is not None and not main.census.samples:
            # It was gone before it could be looked at: all that it did counts as done before.
            before = round(self._ready_at - main.began_at, 6)
            cpu_seconds = found["main"]["census"]["cpuSeconds"]
            self._ready = {"wallSeconds": before, "cpuSeconds": cpu_seconds, "processes": 0, "threads": 0}
        if self._ready is not None:
            found["ready"] = self._ready
        if self._limit is not None:
            found["limit"] = self._limit
        self.cost_seconds += time.thread_time() - cost
        found["costSeconds"] = round(self.cost_seconds, 6)
        return found

    def _describe_member(self, watched: _Watched, ended_at: float) -> dict:
        census = watched.census.describe()
        census["cpuSeconds"] = round(max(watched.cpu_seconds, watched.census.cpu_seconds()), 6)
        census["wallSeconds"] = round(max(0.0, ended_at - watched.began_at), 6)
        found = {**watched.found, "census": census}
        if watched.network is not None:
            found["network"] = watched.network.describe()
        if watched.tripwires is not None:
            name = os.path.join(self.directory, self.spec["name"])
            places = [name + ".out", name + ".err", name + ".peer.err"]
            places += [one["source"] for one in self._writable_mounts()]
            found["tripwires"] = watched.tripwires.describe(self._began, places)
        return found

    def _writable_mounts(self) -> list[dict]:
        runs = [run for run in (self.spec, self.spec.get("peer")) if run]
        return [mount for run in runs for mount in run["mounts"] if mount.get("writable")]

    def _clock_differences(self) -> dict[str, float]:
        now = _clocks()
        return {name: round(now[name] - began, 6) for name, began in self._clocks.items()}

    def close(self) -> None:
        for watched in self._watched.values():
            for one in (watched.network, watched.tripwires):
                if one is not None:
                    one.close()


def _clocks() -> dict[str, float]:
    """Seconds on clocks that no candidate can set, read one after another."""
    names = {"monotonic": time.CLOCK_MONOTONIC, "realtime": time.CLOCK_REALTIME}
    names.update(raw=time.CLOCK_MONOTONIC_RAW, boottime=time.CLOCK_BOOTTIME)
    return {name: time.clock_gettime(number) for name, number in names.items()}


def _unless_unseen(look: Callable[[], object]):  # noqa: ANN202
    try:
        return look()
    except (OSError, KeyError, ValueError):
        return None
