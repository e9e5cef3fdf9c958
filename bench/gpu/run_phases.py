"""Runs trials of a task without the engine, its sandbox and Node: for machines where only Python is there.

    python bench/gpu/run_phases.py tasks/nanochat-gpu --data <prepared> --out <folder> --trials 4

It does what the executor does with the phases of task.yaml, in the same order, with the same commands, variables,
clocks and limits of time, and joins a judge's phase with its peer by two pipes. What it does not: no sandbox, no users
of their own, no audits of the processes, no limits on memory and disk. So it measures honest programs and proves
nothing of others, and every record says so. Paths such as /data are replaced in commands and variables, as the
executor's weak sandbox does.

Prints a line for each trial and a summary; writes <out>/trials.jsonl and the output of each phase.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import secrets
import select
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DURATION = re.compile(r"(\d+(?:\.\d+)?) ?(ms|s|m|min|h)?")
UNITS = {"ms": 0.001, "s": 1, None: 1, "m": 60, "min": 60, "h": 3600}
LIVE: set[subprocess.Popen] = set()
"""Processes that were started and not yet ended, each with a session of its own."""


def seconds_of(value: float | str) -> float:
    """A duration of task.yaml."""
    if isinstance(value, int | float):
        return float(value)
    found = DURATION.fullmatch(value)
    if found is None:
        raise SystemExit(f"run_phases: {value} is no duration")
    return float(found[1]) * UNITS[found[2]]


@dataclass
class Peer:
    """The process beside a phase, and the phase's ends of the two pipes to it."""

    process: subprocess.Popen
    requests: int
    replies: int


class Trial:
    """One trial: its folders, and what its phases are given."""

    def __init__(self, task: Path, data: Path, folder: Path, seed: int, stage: str, changes: dict[str, str]) -> None:
        self.spec = yaml.safe_load((task / "task.yaml").read_text())
        self.data = data
        self.folder = folder
        self.stage = stage
        self.seed = seed
        self.judge_seed = secrets.randbits(48)
        self.variables: dict[str, str] = {}
        """Environment variables of every process, over those of the task."""
        self.substitutes: list[str] = self.spec.get("source", {}).get("substitutes", [])
        self.places = {name: folder / name[1:] for name in ("/workspace", "/output", "/result")} | {"/task": task}
        for name in ("workspace", "output", "result"):
            (folder / name).mkdir(parents=True)
        files = self.spec["files"]
        for pattern in [*files["editable"], *files.get("protected", [])]:
            for path in task.glob(pattern):
                shutil.copy(path, folder / "workspace" / path.name)
        for name, value in changes.items():
            change_constant(folder / "workspace", name, value)

    def run(self) -> dict:
        """Runs the phases of the stage. Returns the record of the trial."""
        record: dict = {"seed": self.seed, "phases": {}}
        for phase in self.spec["phases"]:
            if self.stage not in phase.get("stages", [self.stage]):
                continue
            record["phases"][phase["name"]] = end = self.run_phase(phase)
            if end["reason"] != "exited" or end["exit_code"] != 0:
                break
        record["result"] = self.result()
        return record

    def result(self) -> dict | None:
        """What the judge wrote."""
        path = self.places["/result"] / "result.json"
        return json.loads(path.read_text()) if path.is_file() else None

    def _fill(self, text: str, process: dict, is_judge: bool) -> str:
        values = {
            "python": sys.executable,
            "seed": str(self.judge_seed if is_judge else self.seed),
            "workspace": "/workspace",
            "output": "/output",
            "result": "/result/result.json",
            "task": "/task",
            "stage": self.stage,
        }
        text = re.sub(r"\{(\w+)\}", lambda found: values[found[1]], text)
        for mount in sorted(process.get("data", []), key=lambda one: -len(one["to"])):
            if text == mount["to"] or text.startswith(f"{mount['to']}/"):
                return str(self.data / mount["from"]) + text[len(mount["to"]) :]
        if text == "/data":
            return str(self.data)
        for target, source in self.places.items():
            if text == target or text.startswith(f"{target}/"):
                return str(source) + text[len(target) :]
        return text

    def _process(self, process: dict, phase: dict, trust: str) -> dict:
        is_judge = trust == "judge"
        variables = self.spec.get("environment", {}).get("variables", {}) | process.get("variables", {})
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            **{name: self._fill(text, process, is_judge) for name, text in variables.items()},
            "PYTHONPATH": str(ROOT / "python"),
            **self.variables,
            "ASSAY_SEED": str(self.judge_seed if is_judge else self.seed),
        }
        if self.substitutes and is_judge:
            environment["ASSAY_SUBSTITUTES"] = ",".join(self.substitutes)
        elif self.substitutes:
            environment["PYTHONPATH"] += f":{ROOT / 'python' / 'assay_substitutes'}"
        for kept in ("LD_LIBRARY_PATH", "CUDA_HOME", "ASSAY_MAX_STEPS"):
            if kept in os.environ:
                environment[kept] = os.environ[kept]
        if process.get("output", True):
            environment["ASSAY_OUTPUT"] = str(self.places["/output"])
        if process.get("data"):
            environment["ASSAY_DATA"] = self._fill(process["data"][0]["to"], process, is_judge)
        if "budget" in phase:
            environment["ASSAY_BUDGET_SECONDS"] = str(seconds_of(phase["budget"]["limit"]))
        if is_judge:
            environment |= {"PYTHONSAFEPATH": "1", "ASSAY_STAGE": self.stage}
        (self.folder / "home").mkdir(exist_ok=True)
        return {
            "args": [self._fill(text, process, is_judge) for text in process["command"]],
            "env": environment,
            "cwd": self.places["/result" if is_judge else "/workspace"],
            "start_new_session": True,
        }

    def phase(self, name: str) -> dict:
        """A phase of task.yaml by its name."""
        return next(one for one in self.spec["phases"] if one["name"] == name)

    def start_peer(self, phase: dict) -> Peer:
        """Starts the peer of a phase ahead of its judge: it gets as far as it can until its first words are heard."""
        to_peer, from_main = os.pipe()
        from_peer, to_main = os.pipe()
        other = self._process(phase["peer"], {}, phase["peer"].get("trust", "candidate"))
        with open(self.folder / f"{phase['name']}.peer.err", "wb") as words:
            process = subprocess.Popen(**other, stdin=to_peer, stdout=to_main, stderr=words)
        LIVE.add(process)
        os.close(to_peer)
        os.close(to_main)
        return Peer(process, from_main, from_peer)

    def run_phase(self, phase: dict, peer: Peer | None = None) -> dict:
        """Runs one phase to its end. peer: one that was started before."""
        main = self._process(phase, phase, phase.get("trust", "candidate"))
        base = self.folder / phase["name"]
        ready, ready_writer = os.pipe()
        passed = [ready_writer]
        main["env"]["ASSAY_READY_FD"] = str(ready_writer)
        if "peer" in phase:
            peer = peer or self.start_peer(phase)
            passed += [peer.requests, peer.replies]
            main["env"] |= {"ASSAY_PEER_OUT_FD": str(peer.requests), "ASSAY_PEER_IN_FD": str(peer.replies)}
        with open(f"{base}.out", "wb") as out, open(f"{base}.err", "wb") as err:
            begin = time.monotonic()
            process = subprocess.Popen(**main, stdin=subprocess.DEVNULL, stdout=out, stderr=err, pass_fds=passed)
        LIVE.add(process)
        for descriptor in passed:
            os.close(descriptor)
        end = watch(process, phase, begin, ready)
        end_session(process)
        if peer is not None:
            end_session(peer.process)
        os.close(ready)
        return end


def watch(process: subprocess.Popen, phase: dict, begin: float, ready: int) -> dict:
    """Waits for a phase's end or limit, on a clock that the process does not hold."""
    timeout = begin + seconds_of(phase.get("timeout", 300))
    budget = phase.get("budget")
    started = None
    reason = "exited"
    while process.poll() is None:
        now = time.monotonic()
        if budget and started is None and select.select([ready], [], [], 0)[0] and os.read(ready, 1) == b"R":
            started = now
        limit = seconds_of(budget["limit"]) + seconds_of(budget.get("grace", 0.5)) if budget else 0
        if now > timeout or (started is not None and now > started + limit):
            reason = "timeout" if now > timeout else "over-budget"
            break
        time.sleep(0.005)
    end = time.monotonic()
    found = {"reason": reason, "exit_code": process.poll(), "wall_seconds": round(end - begin, 3)}
    return found if started is None else found | {"budget_seconds": round(end - started, 3)}


def end_session(process: subprocess.Popen) -> None:
    """Ends a process and what it started in its session."""
    try:
        os.killpg(process.pid, 9)
    except ProcessLookupError:
        pass
    process.wait()
    LIVE.discard(process)


def change_constant(workspace: Path, name: str, value: str) -> None:
    """Replaces the literal of a constant in train.py."""
    path = workspace / "train.py"
    text, count = re.subn(rf"^{name} = .*$", f"{name} = {value}", path.read_text(), flags=re.MULTILINE)
    if count != 1:
        raise SystemExit(f"run_phases: {count} constants {name} in train.py")
    path.write_text(text)


def device_words() -> str:
    """GPU, driver, torch."""
    try:
        import torch

        name = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or "CPU"
        return f"{name}, torch {torch.__version__}, Python {platform.python_version()}"
    except ImportError:
        return "no torch"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="what the task's data command made")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1, help="of the first trial; each next one has one more")
    parser.add_argument("--stage", default="baseline")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="constants of train.py")
    parser.add_argument(
        "--option", action="append", default=[], metavar="--NAME=VALUE", help="options of the judge's commands"
    )
    parser.add_argument("--budget", type=float, help="seconds in place of the task's")
    parser.add_argument("--until", type=float, default=float("inf"), help="starts no trial after so many seconds")
    options = parser.parse_args()
    changes = dict(one.split("=", 1) for one in options.set)
    options.out.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    words = device_words()
    values = []
    with (options.out / "trials.jsonl").open("a") as log:
        for number in range(options.trials):
            if time.monotonic() - begin > options.until:
                break
            folder = options.out / "work" / f"{options.seed + number}-{os.getpid()}"
            trial = Trial(
                options.task.resolve(), options.data.resolve(), folder, options.seed + number, options.stage, changes
            )
            change_options(trial.spec, options.option, options.budget)
            record = trial.run() | {"task": trial.spec["name"], "device": words, "sandbox": "none", "changes": changes}
            result = record["result"] or {}
            log.write(json.dumps(record) + "\n")
            log.flush()
            ends = {name: end["wall_seconds"] for name, end in record["phases"].items()}
            print(
                f"seed {record['seed']}: {result.get('value')} {result.get('metrics', result.get('reason'))} {ends}",
                flush=True,
            )
            for one in result.get("checks", []):
                if not one["ok"] or options.trials == 1:
                    print(f"  {'ok  ' if one['ok'] else 'FAIL'} {one['id']}: {one['detail']}", flush=True)
            if not result.get("valid"):
                show_errors(folder)
            else:
                values.append(result["value"])
                shutil.rmtree(folder)
    if len(values) > 1:
        mean, sigma = statistics.mean(values), statistics.stdev(values)
        print(f"n = {len(values)}, mean {mean:.5f}, sigma {sigma:.5f}, {min(values):.5f} to {max(values):.5f}; {words}")
    return 0 if values else 1


def change_options(spec: dict, changes: list[str], budget: float | None) -> None:
    """Other values for options of the judge's commands, or for the budget."""
    for phase in spec["phases"]:
        if budget is not None and "budget" in phase:
            phase["budget"]["limit"] = budget
        for one in changes:
            name, value = one.split("=", 1)
            if name in phase["command"]:
                phase["command"][phase["command"].index(name) + 1] = value


def show_errors(folder: Path) -> None:
    """The last words of each process of a trial that has no result."""
    for path in sorted(folder.glob("*.err")):
        if path.stat().st_size:
            print(f"-- {path.name}\n{path.read_text(errors='replace')[-1500:]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
