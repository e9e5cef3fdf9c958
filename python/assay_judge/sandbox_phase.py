"""One phase of an attempt: starts its process (and its peer), watches both, and leaves nothing of them behind."""

from __future__ import annotations

import os
import resource
import select
import signal
import time

import sandbox_exit as exits
import sandbox_processes as processes
import sandbox_record as record
from observe_phase import PhaseObserver
from sandbox_disk import DiskWatch
from sandbox_hold import LINGER_SECONDS, Hold
from sandbox_member import Member, Wakeup
from sandbox_prepare import Preparation
from sandbox_spawn import Pipes, spawn
from sandbox_watch import MemoryWatch

_END_SECONDS = 20.0


class Phase:
    def __init__(self, spec: dict, attempt: dict, directory: str, wakeup: Wakeup) -> None:
        self.spec = spec
        self.directory = directory
        self.wakeup = wakeup
        self.base = os.path.join(directory, spec["name"])
        self.preparation = Preparation(spec, attempt, self.base)
        self.poller = select.poll()
        self.members: list[Member] = []
        self.outputs: dict[int, record.CappedOutput] = {}
        self.memory = MemoryWatch(spec["memoryBytes"])
        self.disk = DiskWatch(spec.get("diskBytes"), _writable_sources(spec))
        self.reason: str | None = None
        self.detail: str | None = None
        self.started_at = 0.0
        self.ready_at: float | None = None
        self.saw_limit = False
        self.ready_reader = -1
        self.next_look = 0.0
        self.recorded_sandboxes: list[int] = []
        self.observer = PhaseObserver(spec, attempt, directory)
        self.hold: Hold | None = None
        self.is_over = False

    def run(self) -> dict:
        """The phase's PhaseEnd. Raises RecordError when the disk is full; nothing is left running then either."""
        try:
            self._start()
            while self.reason is None and not self._main_ended():
                self._step()
            if self.reason is None and not self.preparation.sealed:
                self._see_what_lingers()
        except BaseException:
            self._end_everything()
            raise
        left = self._end_everything()
        if self.reason is None and self.disk.is_over_at_end():
            self._stop("over-disk", self.disk.words())
        for output in self.outputs.values():
            output.drain()
        end = self._describe(left)
        self._observe_end(end)
        self._close()
        return end

    def _start(self) -> None:
        self.started_at = time.monotonic()
        self.observer.begin()
        limit = self.spec["outputBytes"]
        self.standard_output = self._capture(self.base + ".out", limit)
        self.standard_error = self._capture(self.base + ".err", limit)
        self.poller.register(self.wakeup.reader, select.POLLIN)
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self.ready_reader, ready_writer = os.pipe()
        self.poller.register(self.ready_reader, select.POLLIN)
        temporary = [null, ready_writer]
        named = {"ASSAY_READY_FD": ready_writer}
        try:
            self.preparation.check_mounts()
            peer = self.spec.get("peer")
            if peer is not None:
                to_peer, from_main = os.pipe()
                from_peer, to_main = os.pipe()
                temporary += [to_peer, from_main, from_peer, to_main]
                errors = self._capture(self.base + ".peer.err", limit)
                self._spawn("peer", peer, Pipes(to_peer, to_main, errors.writer, {}))
                named.update(ASSAY_PEER_OUT_FD=from_main, ASSAY_PEER_IN_FD=from_peer)
            pipes = Pipes(null, self.standard_output.writer, self.standard_error.writer, named)
            self._spawn("main", self.spec, pipes)
        except OSError as error:
            self._stop("not-started", f"{error.filename or 'the process'}: {error.strerror or error}")
        finally:
            for descriptor in temporary:
                os.close(descriptor)
            for output in self.outputs.values():
                output.close_writer()

    def _capture(self, path: str, limit: int) -> record.CappedOutput:
        output = record.CappedOutput(path, limit)
        self.outputs[output.reader] = output
        self.poller.register(output.reader, select.POLLIN)
        return output

    def _spawn(self, role: str, run: dict, pipes: Pipes) -> None:
        decoys = self.observer.decoys_of(run)
        executable, limits = self.preparation.prepare(role, run, pipes.named, decoys)
        status_reader, status_writer = os.pipe() if self.preparation.sealed else (-1, None)
        gate_reader, gate_writer = os.pipe() if self.preparation.sealed else (None, -1)
        pid, failure = spawn(executable, limits, pipes, status_writer, gate_reader)
        for descriptor in (status_writer, gate_reader):
            if descriptor is not None:
                os.close(descriptor)
        member = Member(role, pid, failure, status_reader, gate_writer)
        self.members.append(member)
        self.observer.add(member, run, decoys)
        for descriptor in member.descriptors():
            os.set_blocking(descriptor, False)
            self.poller.register(descriptor, select.POLLIN)

    def _let_begin(self, member: Member) -> None:
        """Its sandbox is being made and its program waits: look at what is there before it, then let it run."""
        decoys = self.observer.before_program(member)
        if decoys is not None:
            self.poller.register(decoys, select.POLLIN)
        if member.role == "main":
            try:
                self.hold = Hold(member)
                for descriptor in self.hold.descriptors():
                    self.poller.register(descriptor, select.POLLIN)
            except OSError:
                # What outlives the program then stays unknown, and is said to be.
                self.hold = None
        member.open_gate()

    def _main(self) -> Member | None:
        return next((one for one in self.members if one.role == "main"), None)

    def _main_ended(self) -> bool:
        main = self._main()
        return main is not None and main.wait_status is not None

    def _stop(self, reason: str, detail: str) -> None:
        if self.reason is None:
            self.reason = reason
            self.detail = detail

    def _step(self) -> None:
        now = time.monotonic()
        if self.wakeup.cancelled:
            return self._stop("cancelled", "It was cancelled.")
        next_time = self._check_clocks(now)
        if self.reason is not None:
            return None
        for descriptor, _ in self.poller.poll(max(0.0, next_time - now) * 1000 + 1):
            self._on_readable(descriptor)
        return None

    def _check_clocks(self, now: float) -> float:
        """Ends the phase where a limit is passed; else the time at which to look again."""
        limit = self.spec["timeoutSeconds"]
        times = [self.started_at + limit]
        if now >= times[0]:
            self._stop("timeout", f"It ran longer than {limit:g} s.")
        budget = self.spec.get("budget")
        if budget is not None and self.ready_at is not None:
            if not self.saw_limit:
                times.append(self.ready_at + budget["limitSeconds"])
                if now >= times[-1]:
                    self.saw_limit = True
                    self.observer.on_limit(now)
            times.append(self.ready_at + budget["limitSeconds"] + budget["graceSeconds"])
            if now >= times[-1]:
                self._stop("over-budget", f"It used more than its budget of {budget['limitSeconds']:g} s.")
        times += [self._check_memory(now), self._check_disk(now), self._check_census(now)]
        return min(times)

    def _check_census(self, now: float) -> float:
        hold = self.hold if self.hold is not None and self.hold.is_on else None
        if now >= self.observer.next_look:
            family = self.observer.look(now)
            if hold is not None and not hold.knows_program and hold.ended_at is None:
                self._find_program(hold, family, now)
        if hold is None:
            return self.observer.next_look
        if now >= hold.deadline:
            self.observer.on_lingering(self.observer.running("main"), now - (hold.ended_at or now))
            hold.let_go()
        return min(self.observer.next_look, hold.deadline)

    def _find_program(self, hold: Hold, family: processes.Family, now: float) -> None:
        """All from one look: what a second one would show may have been started in between."""
        member = hold.member
        descriptor = None if member.program is None else hold.watch_program(member.program)
        if descriptor is not None:
            self.poller.register(descriptor, select.POLLIN)
        elif member.program is not None or any(parent == member.sandbox for parent, _ in family.values()):
            # It ended before it was seen; others of its processes live on.
            hold.program_ended(now)

    def _on_hold(self, hold: Hold, descriptor: int) -> None:
        now = time.monotonic()
        self.poller.unregister(descriptor)
        hold.program_ended(now)
        if hold.is_of_sandbox(descriptor) and hold.is_on:
            self.observer.on_lingering([], now - (hold.ended_at or now))
            hold.let_go()

    def _see_what_lingers(self) -> None:
        """Of a program that ended by itself and that no namespace ends with it."""
        ended_at = time.monotonic()
        waiting = select.poll()
        while True:
            self._reap()
            pids = self.observer.running("main")
            passed = time.monotonic() - ended_at
            if not pids or passed > LINGER_SECONDS:
                return self.observer.on_lingering(pids, passed)
            waiting.poll(5)

    def _check_memory(self, now: float) -> float:
        if self.next_look == 0.0:
            self.next_look = now + self.memory.interval
        if now >= self.next_look:
            sandboxes = [one.sandbox for one in self.members if one.sandbox is not None]
            self._record_sandboxes(sandboxes)
            if self.memory.is_over(processes.descendants(os.getpid()), sandboxes):
                self._stop("out-of-memory", f"It used more than {self.spec['memoryBytes'] >> 20} MiB of memory.")
            self.next_look = time.monotonic() + self.memory.interval
        return self.next_look

    def _check_disk(self, now: float) -> float:
        if self.disk.is_over(now, lambda: processes.descendants(os.getpid())):
            self._stop("over-disk", self.disk.words())
        return self.disk.next_look

    def _record_sandboxes(self, pids: list[int]) -> None:
        """So that others can end them when this supervisor is killed. They die with it anyway: a second rope."""
        if self.recorded_sandboxes == pids:
            return
        self.recorded_sandboxes = pids
        path = os.path.join(self.directory, "sandboxes.jsonl")
        for pid in pids:
            record.append_json(path, {"pid": pid, "processStart": processes.process_start(pid)})

    def _on_readable(self, descriptor: int) -> None:
        if descriptor in self.outputs:
            if not self.outputs[descriptor].copy_available():
                self.poller.unregister(descriptor)
        elif descriptor == self.wakeup.reader:
            self.wakeup.clear()
            self._reap()
        elif descriptor == self.ready_reader:
            if os.read(descriptor, 1):
                self.ready_at = time.monotonic()
                self.observer.on_ready(self.ready_at)
            self.poller.unregister(descriptor)
        elif self.hold is not None and descriptor in self.hold.descriptors():
            self._on_hold(self.hold, descriptor)
        elif self.observer.on_decoy(descriptor):
            pass
        else:
            for member in self.members:
                if descriptor in member.descriptors():
                    self._on_member(member, descriptor)

    def _on_member(self, member: Member, descriptor: int) -> None:
        is_failure = descriptor == member.failure
        data = member.read(descriptor)
        if data == b"":
            self.poller.unregister(descriptor)
            if is_failure:
                self.observer.on_program()
        elif data and descriptor == member.failure:
            self._stop("not-started", f"The {member.role} process {data.decode(errors='replace')}.")
        elif data:
            member.note_status(data)
            if member.sandbox is not None and member.gate >= 0 and not self.is_over:
                self._let_begin(member)

    def _reap(self) -> bool:
        """False when there are no children left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            self.memory.note_largest_process(usage.ru_maxrss, own)
            self.observer.note_usage(pid, usage.ru_utime + usage.ru_stime)
            for member in self.members:
                if member.pid == pid:
                    member.wait_status = status
                    member.ended_at = time.monotonic()

    def _end_everything(self) -> int:
        """How many processes could not be ended (stuck in the kernel); 0 but for a broken machine."""
        self.is_over = True
        own = os.getpid()
        deadline = time.monotonic() + _END_SECONDS
        waiting = select.poll()
        waiting.register(self.wakeup.reader, select.POLLIN)
        if self._reap() and not self.preparation.sealed:
            processes.freeze(lambda: processes.descendants(own))
        while self._reap() and time.monotonic() < deadline:
            for pid in reversed(processes.descendants(own)):
                processes.send(pid, signal.SIGKILL)
            waiting.poll(20)
            self.wakeup.clear()
        return len(processes.descendants(own)) if self._reap() else 0

    def _describe(self, left: int) -> dict:
        self._read_last_words()
        main = self._main()
        ended_at = main.ended_at if main is not None and main.wait_status is not None else time.monotonic()
        end: dict = {"name": self.spec["name"], "reason": self.reason}
        if self.reason is None and main is not None:
            end.update(self._describe_exit(main))
        end["wallSeconds"] = round(ended_at - self.started_at, 6)
        if self.ready_at is not None:
            end["budgetSeconds"] = round(max(0.0, ended_at - self.ready_at), 6)
        if self.memory.peak_bytes is not None:
            end["peakMemoryBytes"] = self.memory.peak_bytes
        main_outputs = (self.standard_output, self.standard_error)
        end["outputBytes"] = sum(one.total_bytes for one in main_outputs)
        end["outputTruncated"] = any(one.truncated for one in main_outputs)
        if self.detail is not None:
            end["detail"] = self.detail
        if left:
            end["detail"] = f"{end.get('detail', '')} {left} of its processes could not be ended.".strip()
        return end

    def _observe_end(self, end: dict) -> None:
        main = self._main()
        if main is not None and end["reason"] != "not-started":
            end["observations"] = self.observer.describe(
                main.ended_at if main.wait_status is not None else time.monotonic()
            )

    def _read_last_words(self) -> None:
        """What the members said while the loop had already stopped."""
        for member in self.members:
            for descriptor in member.descriptors():
                self._on_member(member, descriptor)

    def _describe_exit(self, main: Member) -> dict:
        refusal = None
        if self.preparation.sealed and self.standard_output.total_bytes == 0:
            refusal = exits.refusal(main.wait_status or 0, self.base + ".err", main.reported_exit)
        return exits.describe(main.wait_status or 0, self.preparation.sealed, refusal)

    def _close(self) -> None:
        for output in self.outputs.values():
            output.close()
        if self.hold is not None:
            self.hold.close()
        self.observer.close()
        for member in self.members:
            member.open_gate()
        descriptors = [one for member in self.members for one in member.descriptors()]
        for descriptor in (self.ready_reader, *descriptors):
            os.close(descriptor)
        self.preparation.clean()


def _writable_sources(spec: dict) -> list[str]:
    runs = [run for run in (spec, spec.get("peer")) if run]
    return [mount["source"] for run in runs for mount in run["mounts"] if mount.get("writable")]
