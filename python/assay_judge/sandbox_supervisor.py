"""Supervises one attempt from its folder: `attempt.json` in, `supervisor.json` first, `exit.json` last."""

from __future__ import annotations

import os
import signal
import time

import sandbox_kernel as kernel
import sandbox_processes as processes
import sandbox_record as record
from sandbox_member import Wakeup
from sandbox_phase import Phase

ENDED = 0
FAILED = 1
ALREADY_CLAIMED = 3
DISK_FULL = 5


def supervise(directory: str, inotify: int | None = None) -> int:
    """The exit code of the supervisor. Only with ENDED is there an `exit.json` from here.

    `inotify`: see become_supervisor.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    wakeup = Wakeup()
    try:
        return _supervise(directory, wakeup, inotify)
    except record.RecordError as error:
        _explain(directory, str(error))
        return DISK_FULL


def _supervise(directory: str, wakeup: Wakeup, inotify: int | None) -> int:
    attempt = record.read_json(os.path.join(directory, "attempt.json"))
    pid = os.getpid()
    attempt["tag"] = os.urandom(16).hex()
    attempt["inotify"] = inotify
    claim = {
        "pid": pid,
        "processStart": processes.process_start(pid),
        "startedAt": int(time.time() * 1000),
        "bootId": processes.boot_id(),
        "tag": attempt["tag"],
    }
    if not record.claim_json(os.path.join(directory, "supervisor.json"), claim):
        return ALREADY_CLAIMED
    kernel.adopt_orphans()
    _resolve_sources(attempt)
    ends = _run_phases(attempt, directory, wakeup)
    end = {"kind": "finished", "slot": attempt["slot"], "phases": ends, "sandbox": attempt["sandbox"]}
    record.write_json(os.path.join(directory, "exit.json"), end, sync=True)
    return ENDED


def _resolve_sources(attempt: dict) -> None:
    """Links in the sources are followed now, before any code of the candidate has run, and never later."""
    for phase in attempt["phases"]:
        for run in (phase, phase.get("peer")):
            for mount in run["mounts"] if run else ():
                mount["source"] = os.path.realpath(mount["source"])


def _run_phases(attempt: dict, directory: str, wakeup: Wakeup) -> list[dict]:
    ends: list[dict] = []
    for spec in attempt["phases"]:
        end = Phase(spec, attempt, directory, wakeup).run()
        ends.append(end)
        if end["reason"] != "exited" or end["exitCode"] != 0:
            break
    return ends


def _explain(directory: str, words: str) -> None:
    try:
        with open(os.path.join(directory, "supervisor.err"), "a") as file:
            file.write(words + "\n")
    except OSError:
        pass


def become_supervisor(directory: str, inotify: int | None = None) -> None:
    """Never returns. The calling process (a child of the launcher, or a fresh one) lets go of all that it inherited.

    But for `inotify`, a descriptor to watch files with. The launcher keeps another of it: the last to close it waits.
    """
    code = FAILED
    try:
        if os.getsid(0) != os.getpid():
            os.setsid()
        os.chdir("/")
        _close_inherited(inotify)
        code = supervise(directory, inotify)
    except BaseException as error:  # noqa: BLE001 (whatever happens, the launcher's code must not go on in this process)
        import traceback  # noqa: PLC0415

        _explain(directory, "".join(traceback.format_exception(type(error), error, error.__traceback__)))
    finally:
        os._exit(code)


def _close_inherited(kept: int | None) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != kept:
            try:
                os.close(int(name))
            except OSError:
                pass


def sweep(directory: str) -> int:
    """End what a dead supervisor left. How many processes were ended; nothing is touched while the supervisor lives."""
    try:
        claim = record.read_json(os.path.join(directory, "supervisor.json"))
    except (OSError, ValueError):
        return 0
    if processes.is_alive(claim["pid"], claim["processStart"]) or claim["bootId"] != processes.boot_id():
        return 0
    entry = f"ASSAY_PROCESS_TAG={claim['tag']}".encode()
    ended: set[int] = set()
    for _ in range(100):
        left = [*_recorded_sandboxes(directory), *_tagged(entry)]
        if not left:
            break
        for pid in left:
            processes.send(pid, signal.SIGSTOP)
        for pid in left:
            processes.send(pid, signal.SIGKILL)
        ended.update(left)
        time.sleep(0.02)
    return len(ended)


def _recorded_sandboxes(directory: str) -> list[int]:
    try:
        with open(os.path.join(directory, "sandboxes.jsonl")) as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    records = [record.parse_json(line) for line in lines]
    return [one["pid"] for one in records if one and processes.is_alive(one["pid"], one["processStart"])]


def _tagged(entry: bytes) -> list[int]:
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if processes.has_in_environment(pid, entry)]
