"""A worker of run_kernels.py: compiles and times references, and judges solutions whose hosts it starts.

Reads one JSON request a line, answers each with JSON lines of which the last has "end". Trusted: candidates run in the
hosts only.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))

import torch
from assay_judge import gpu_kernel_protocol as protocol
from assay_judge import gpu_kernel_schema as schema
from assay_judge.gpu_kernel_inputs import draw
from assay_judge.gpu_kernel_judge import Settings, device_clocks, judge_or_explain
from assay_judge.gpu_kernel_protocol import GpuKernelPeer
from assay_judge.gpu_kernel_reference import Reference
from assay_judge.gpu_kernel_share import release_shares
from assay_judge.gpu_kernel_timing import Ceilings, measure_ceilings
from assay_judge.gpu_kernel_trial import Trial, TrialPlan

LEVEL = 0.05
"""Of the exact test of signs: with eight pairs 12 of 256 patterns are as far out, 4.7 %."""
PAIRS = 8


class HostProcess:
    """A candidate's process: started early, so that loading torch costs the judge no time."""

    def __init__(self, solution: dict, folder: Path, device: str, spans: str | None) -> None:
        self.scratch = tempfile.TemporaryDirectory(dir=folder)
        place = Path(self.scratch.name)
        self.solution, self.exchange = place / "solution.json", place / "exchange"
        self.exchange.mkdir()
        self.solution.write_text(json.dumps(solution))
        host_in, self.judge_out = os.pipe()
        self.judge_in, host_out = os.pipe()
        caches = {name: str(place / name.lower()) for name in ("TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR")}
        command = [sys.executable, "-P", "-m", "assay_judge.gpu_kernel_host", "--solution", str(self.solution)]
        command += ["--exchange", str(self.exchange), "--device", device, *(["--spans", spans] if spans else [])]
        self.log = place / "host.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                stdin=host_in,
                stdout=host_out,
                stderr=log,
                env={**os.environ, **caches, "OMP_NUM_THREADS": "1"},
            )
        os.close(host_in)
        os.close(host_out)

    def end(self) -> str:
        """The end of what it said on its standard error."""
        os.close(self.judge_out)
        os.close(self.judge_in)
        self.process.kill()
        self.process.wait()
        said = self.log.read_text(errors="replace")[-1200:]
        self.scratch.cleanup()
        return said


class Worker:
    def __init__(self, device: str, root: Path, folder: Path, spans: str | None) -> None:
        self.device, self.root, self.folder, self.spans = device, root, folder, spans
        self.references: dict[str, Reference] = {}
        self.problems: dict[str, schema.Problem] = {}
        self.hosts: dict[str, HostProcess] = {}
        self.ceilings: Ceilings | None = None

    def problem(self, name: str) -> schema.Problem:
        if name not in self.problems:
            folder = next(self.root.glob(f"problems/*/{name}"))
            self.problems[name] = schema.load_problem(folder)
            self.references[name] = Reference(self.problems[name].definition)
        return self.problems[name]

    def workloads(self, problem: schema.Problem) -> tuple[schema.Workload, ...]:
        return problem.workloads if self.device == "cuda" else problem.cpu_workloads

    def measure(self, request: dict):
        found = measure_ceilings(self.device)
        facts = {"torch": torch.__version__, "device": "cpu", "clocks": [device_clocks(self.device)]}
        if self.device == "cuda":
            one = torch.cuda.get_device_properties(0)
            facts |= {"device": one.name, "memory": one.total_memory, "processors": one.multi_processor_count}
            facts |= {"l2": getattr(one, "L2_cache_size", None), "uuid": str(getattr(one, "uuid", ""))}
            facts |= {"cuda": torch.version.cuda, "bytes_free": torch.cuda.mem_get_info()[0]}
            facts |= {
                "driver": shell(["nvidia-smi", "--query-gpu=driver_version,clocks.max.sm", "--format=csv,noheader"])
            }
        yield facts | {"ceilings": found.to_json()}

    def compile(self, request: dict):
        """Each of its problems, the first workloads first. Nothing is timed: the others do the same now."""
        until = time.monotonic() + request["seconds"]
        names = request["problems"]
        most = max(len(self.workloads(self.problem(one))) for one in names) if names else 0
        for turn, name in itertools.product(range(most), names):
            workloads = self.workloads(self.problem(name))
            if turn >= len(workloads):
                continue
            if time.monotonic() > until:
                yield {"problem": name, "workload": turn, "compiled": False, "why": "no time was left"}
                continue
            started = time.monotonic()
            record = {"problem": name, "workload": turn, "compiled": True}
            try:
                axes = self.problem(name).definition.resolve(workloads[turn].axes)
                inputs = draw(self.problem(name).definition, workloads[turn], axes, self.device, 1, "normal")
                self.references[name].compiled()(*inputs.values())
                del inputs
            except Exception as error:
                record |= {"compiled": False, "why": f"{type(error).__name__}: {error}"[:300]}
            self.clean()
            yield record | {"seconds": round(time.monotonic() - started, 2)}

    def table(self, request: dict):
        problem = self.problem(request["problem"])
        for turn, workload in enumerate(self.workloads(problem)):
            compiles = turn in request["compiled"]
            plan = TrialPlan(blocks=request.get("blocks", 7), compile=compiles)
            record = {"problem": request["problem"], "category": problem.folder.parent.name, "compiled": compiles}
            record |= {"workload": turn, "unit": problem.cost.unit}
            reference = self.references[request["problem"]]
            trial = Trial(problem, None, self.folder, self.device, self.ceilings, plan, ignore, reference)
            try:
                found = trial.baselines(workload, random.Random(time.time_ns()))
                if not compiles:
                    found["compiled_us"] = None
                yield record | found
            except Exception as error:
                yield record | {"error": f"{type(error).__name__}: {error}"[:300]}
            del trial
            self.clean()

    def prepare(self, request: dict):
        self.hosts[request["key"]] = HostProcess(request["solution"], self.folder, self.device, self.spans)
        yield {"process": self.hosts[request["key"]].process.pid}

    def forget(self, request: dict):
        self.hosts.pop(request["key"]).end()
        yield {}

    def judge(self, request: dict):
        host = self.hosts.pop(request["key"])
        problem = self.problem(request["problem"])
        plan = TrialPlan(request["blocks"], request["compile"], host.process.pid, request.get("share"))
        if request.get("most_bytes"):
            plan = replace(plan, most_bytes=request["most_bytes"])
        settings = Settings(
            problem.folder,
            host.solution,
            host.exchange,
            random.SystemRandom().randrange(2**60),
            self.device,
            self.device == "cpu",
            plan,
            self.ceilings,
            request.get("workloads"),
            self.references[request["problem"]],
        )
        peer = GpuKernelPeer(host.judge_out, host.judge_in, time.monotonic() + request["seconds"])
        started = time.monotonic()
        try:
            result = judge_or_explain(settings, peer)
        except Exception:
            result = {"valid": False, "reason": "the judge failed", "judge_failed": traceback.format_exc()[-1500:]}
        result["judge_seconds"] = round(time.monotonic() - started, 2)
        said = host.end()
        self.clean()
        release_shares()
        if not result["valid"]:
            result["host_said"] = said[-600:]
        yield {"result": result}

    def repeat(self, request: dict):
        """The same kernel against itself: in one process, and in two. How often does the test see a difference?"""
        problem = self.problem(request["problem"])
        workload = self.workloads(problem)[request["workload"]]
        axes = problem.definition.resolve(workload.axes)
        hosts = [self.hosts.pop(key) for key in request["keys"]]
        trials = []
        try:
            for host in hosts:
                peer = GpuKernelPeer(host.judge_out, host.judge_in, time.monotonic() + request["seconds"])
                plan = TrialPlan(3, False, None, False)
                trial = Trial(problem, peer, host.exchange, self.device, self.ceilings, plan, ignore)
                trial.open(random.Random(5))
                peer.ask(protocol.LOAD)
                trial.serve_only(workload, axes)
                trials.append(trial)
            yield from self.comparisons(trials, request)
        finally:
            for host in hosts:
                host.end()
            for trial in trials:
                trial.close()
            self.clean()

    def comparisons(self, trials: list, request: dict):
        until = time.monotonic() + request["seconds"]
        order = list(range(trials[0].served))
        for trial in trials:
            for _ in range(6):
                trial.time_once(order)
        for turn in range(request["comparisons"]):
            if time.monotonic() > until:
                return
            for kind, pair in (("one process", (trials[turn % 2],) * 2), ("two processes", tuple(trials))):
                logs, events = [], []
                for _ in range(PAIRS):
                    swapped = random.random() < 0.5
                    first, second = (pair[1], pair[0]) if swapped else pair
                    one, other = first.time_once(order), second.time_once(order)
                    one, other = (other, one) if swapped else (one, other)
                    logs.append(math.log(one[0] / other[0]))
                    events.append(one[1] / one[0])
                yield {
                    "problem": request["problem"],
                    "pair": kind,
                    "p": sign_test(logs),
                    "ratio": math.exp(statistics.fmean(logs)),
                    "sd": statistics.stdev(logs),
                    "event_over_outer": statistics.median(events),
                    "us": one[0] * 1e6 / len(order),
                }

    def clean(self) -> None:
        gc.collect()
        if self.device == "cuda":
            torch.cuda.empty_cache()


def sign_test(logs: list[float]) -> float:
    """Exact two-sided p of the mean when the sign of each difference is a coin: all patterns are tried."""
    found = abs(sum(logs)) - 1e-15
    patterns = itertools.product((1, -1), repeat=len(logs))
    far = sum(abs(sum(sign * one for sign, one in zip(pattern, logs, strict=True))) >= found for pattern in patterns)
    return far / 2 ** len(logs)


def ignore(check: str, detail: str) -> None:
    pass


def shell(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--spans")
    options = parser.parse_args()
    # What libraries print must not stand between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    torch.set_grad_enabled(False)
    if options.device == "cpu":
        torch.set_num_threads(1)
    worker = Worker(options.device, options.root, options.folder, options.spans)
    ready = {"end": True, "ready": True}
    answers.write(json.dumps({**ready, "number": 0}) + "\n")
    for line in sys.stdin:
        request = json.loads(line)
        if request.get("ceilings"):
            worker.ceilings = Ceilings(**request["ceilings"])
        try:
            for record in getattr(worker, request["do"])(request):
                answers.write(json.dumps({**record, "number": request["number"]}) + "\n")
            end = {"end": True}
        except Exception:
            end = {"end": True, "error": traceback.format_exc()[-1500:]}
        answers.write(json.dumps({**end, "number": request["number"]}) + "\n")
    for host in worker.hosts.values():
        host.end()


if __name__ == "__main__":
    main()
