"""Makes what a process of a phase needs before it is started."""

from __future__ import annotations

import os

import sandbox_command as command
import sandbox_processes as processes
import sandbox_reach as reach
from observe_tripwires import Decoy
from sandbox_spawn import Limits

_PRLIMIT = "/usr/bin/prlimit"


class Preparation:
    """For one phase. `base`: path of its files without their endings."""

    def __init__(self, spec: dict, attempt: dict, base: str) -> None:
        self.spec = spec
        self.attempt = attempt
        self.base = base
        self.sealed = attempt["sandbox"] == "bubblewrap"
        self._temporary: list[str] = []

    def user_of(self, run: dict) -> int | None:
        """The slot's user, or its second one for a run that is trusted: no process of a candidate shares that."""
        return self.attempt.get("trustedUid", self.attempt["uid"]) if run.get("trusted") else self.attempt["uid"]

    def check_mounts(self) -> None:
        """Give the writable ones to the user of the run; let a trusted run read what the candidate left.

        An earlier phase may have put a link in the place of a source: root must not follow it.
        """
        writers: dict[str, set[int]] = {}
        for run in (self.spec, self.spec.get("peer")):
            for mount in run["mounts"] if run else ():
                source = mount["source"]
                if os.path.realpath(source) != source:
                    raise OSError(0, "a link stands where the mount's source was", source)
                uid = self.user_of(run)
                if uid is None:
                    continue
                if mount.get("writable"):
                    writers.setdefault(source, set()).add(uid)
                elif uid != self.attempt["uid"] and command.is_within(source, os.path.dirname(self.base)):
                    reach.show_to_others(source, self.attempt["uid"])
        for source, uids in writers.items():
            if len(uids) == 1:
                reach.give_to(source, *uids)
            else:
                # Two users write there: each its own files, and those of the other only where that one allows it.
                os.chmod(source, 0o1777)

    def prepare(
        self, role: str, run: dict, named: dict[str, int], decoys: list[Decoy]
    ) -> tuple[command.Executable, Limits]:
        """`named`: descriptors that the process is told of, by variable."""
        environment = {**self.attempt.get("environment", {}), **run["environment"]}
        environment.update((name, str(number)) for name, number in named.items())
        uid, limit = self.user_of(run), self.spec["processes"]
        if self.sealed:
            limits = Limits(uid, self.attempt["cores"], limit, nested=uid is None)
            return self._sealed(run, environment, limits, decoys), limits
        if uid is None:
            limit += processes.count_of_user(os.getuid())
        environment["ASSAY_PROCESS_TAG"] = self.attempt["tag"]
        executable = command.process_executable(run, environment, self._temporary_folder(role, uid))
        return executable, Limits(uid, self.attempt["cores"], limit, nested=False)

    def _sealed(
        self, run: dict, environment: dict[str, str], limits: Limits, decoys: list[Decoy]
    ) -> command.Executable:
        if limits.nested_process_limit and os.path.exists(_PRLIMIT):
            run = {**run, "command": [_PRLIMIT, f"--nproc={limits.processes}", "--", *run["command"]]}
        bubblewrap = command.find_bubblewrap()
        if bubblewrap is None:
            raise OSError(0, "bubblewrap is no longer installed", "bwrap")
        devices = self.attempt.get("devices", [])
        hidden = self.attempt.get("hidden", [])
        memory = self.spec["memoryBytes"]
        return command.bubblewrap_executable(bubblewrap, run, environment, memory, devices, hidden, decoys)

    def _temporary_folder(self, role: str, uid: int | None) -> str:
        path = f"{self.base}.{role}.tmp"
        os.mkdir(path, 0o700)
        self._temporary.append(path)
        if uid is not None:
            os.chown(path, uid, uid)
        return path

    def clean(self) -> None:
        for folder in self._temporary:
            reach.remove_tree(folder)
