"""Makes what a process of a phase needs before it is started."""

from __future__ import annotations

import os

import sandbox_command as command
import sandbox_processes as processes
import sandbox_reach as reach
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

    def check_mounts(self) -> None:
        """Give the writable ones to the slot's user.

        An earlier phase may have put a link in the place of a source: root must not follow it.
        """
        for run in (self.spec, self.spec.get("peer")):
            for mount in run["mounts"] if run else ():
                if os.path.realpath(mount["source"]) != mount["source"]:
                    raise OSError(0, "a link stands where the mount's source was", mount["source"])
                if mount.get("writable") and self.attempt["uid"] is not None:
                    reach.give_to(mount["source"], self.attempt["uid"])

    def prepare(self, role: str, run: dict, named: dict[str, int]) -> tuple[command.Executable, Limits]:
        """`named`: descriptors that the process is told of, by variable."""
        environment = {**self.attempt.get("environment", {}), **run["environment"]}
        environment.update((name, str(number)) for name, number in named.items())
        uid, limit = self.attempt["uid"], self.spec["processes"]
        if self.sealed:
            limits = Limits(uid, self.attempt["cores"], limit, nested=uid is None)
            return self._sealed(run, environment, limits), limits
        if uid is None:
            limit += processes.count_of_user(os.getuid())
        environment["ASSAY_PROCESS_TAG"] = self.attempt["tag"]
        executable = command.process_executable(run, environment, self._temporary_folder(role))
        return executable, Limits(uid, self.attempt["cores"], limit, nested=False)

    def _sealed(self, run: dict, environment: dict[str, str], limits: Limits) -> command.Executable:
        if limits.nested_process_limit and os.path.exists(_PRLIMIT):
            run = {**run, "command": [_PRLIMIT, f"--nproc={limits.processes}", "--", *run["command"]]}
        bubblewrap = command.find_bubblewrap()
        if bubblewrap is None:
            raise OSError(0, "bubblewrap is no longer installed", "bwrap")
        devices = self.attempt.get("devices", [])
        hidden = self.attempt.get("hidden", [])
        return command.bubblewrap_executable(bubblewrap, run, environment, self.spec["memoryBytes"], devices, hidden)

    def _temporary_folder(self, role: str) -> str:
        path = f"{self.base}.{role}.tmp"
        os.mkdir(path, 0o700)
        self._temporary.append(path)
        if self.attempt["uid"] is not None:
            os.chown(path, self.attempt["uid"], self.attempt["uid"])
        return path

    def clean(self) -> None:
        for folder in self._temporary:
            reach.remove_tree(folder)
