"""Judges many GPU kernels on one machine, without a sandbox: first T_b and T_SOL of every problem, then solutions.

    python -P -m assay_judge.gpu_kernel_suite --root tasks/kernels --output <folder> [--seconds 300]

For measurements of our own solutions and of hostile ones that are known. What nobody has read belongs in a trial.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge import gpu_kernel_schema as schema
from assay_judge.gpu_kernel_inputs import draw
from assay_judge.gpu_kernel_reference import Reference
from assay_judge.gpu_kernel_timing import Ceilings, measure_ceilings
from assay_judge.gpu_kernel_trial import Trial, TrialPlan

COMPILERS = 8


def compile_ahead(root: Path, share: int, device: str) -> None:
    """Fills the compiler's cache with every COMPILERS-th problem; nothing is timed."""
    for folder in schema.problem_folders(root)[share::COMPILERS]:
        problem = schema.load_problem(folder)
        compiled = Reference(problem.definition).compiled()
        for workload in problem.workloads:
            axes = problem.definition.resolve(workload.axes)
            inputs = draw(problem.definition, workload, axes, device, 1, "normal")
            try:
                compiled(*inputs.values())
            except Exception as error:
                print(f"{problem.definition.name} does not compile: {error}"[:300], flush=True)


def table(root: Path, device: str, ceilings: Ceilings, until: float, output: Path) -> None:
    """T_b and T_SOL of all problems, written after each: what fits into the time is kept."""
    rows = []
    for folder in schema.problem_folders(root):
        if time.monotonic() > until:
            print("the table is cut: no time is left", flush=True)
            break
        problem = schema.load_problem(folder)
        for compiles in (True, False):
            plan = TrialPlan(blocks=5, compile=compiles)
            trial = Trial(problem, None, output, device, ceilings, plan, lambda check, detail: None)
            try:
                found = [trial.baselines(one, random.Random(3)) for one in problem.workloads]
            except Exception as error:
                print(f"{problem.definition.name} compile={compiles}: {type(error).__name__} {error}"[:300], flush=True)
                continue
            rows.append(
                {"problem": folder.name, "category": folder.parent.name, "compiled": compiles, "workloads": found}
            )
            break
        (output / "baselines.json").write_text(json.dumps(rows, indent=1))
        if device == "cuda":
            torch.cuda.empty_cache()


def judge_one(problem: Path, solution: Path, device: str, ceilings: Path, options: list[str], seed: int) -> dict:
    """One trial: host and judge as two processes of this machine."""
    with tempfile.TemporaryDirectory() as scratch:
        exchange, result = Path(scratch) / "exchange", Path(scratch) / "result.json"
        exchange.mkdir()
        given = ["--solution", str(solution), "--exchange", str(exchange), "--device", device]
        module = [sys.executable, "-P", "-m"]
        host_in, judge_out = os.pipe()
        judge_in, host_out = os.pipe()
        with (Path(scratch) / "host.log").open("w") as log:
            host = subprocess.Popen(
                [*module, "assay_judge.gpu_kernel_host", *given], stdin=host_in, stdout=host_out, stderr=log
            )
        os.close(host_in)
        os.close(host_out)
        command = [*module, "assay_judge.gpu_kernel_judge", *given, "--problem", str(problem), "--seed", str(seed)]
        command += ["--ceilings", str(ceilings), "--host-process", str(host.pid), "--result", str(result), *options]
        environment = {**os.environ, "ASSAY_PEER_OUT_FD": str(judge_out), "ASSAY_PEER_IN_FD": str(judge_in)}
        try:
            end = subprocess.run(
                command, env=environment, pass_fds=(judge_out, judge_in), capture_output=True, text=True
            )
        finally:
            os.close(judge_out)
            os.close(judge_in)
            host.kill()
            host.wait()
        if end.returncode != 0:
            return {"valid": False, "failure": "crash", "reason": f"the judge failed: {end.stderr[-1500:]}"}
        return json.loads(result.read_text())


def line_of(name: str, result: dict) -> str:
    if not result["valid"]:
        return f"{name:34} refused{' (suspected)' if result.get('suspected') else ''}: {result['reason'][:150]}"
    numbers = " ".join(
        f"{one['seconds'] * 1e6:.1f}/{one['baseline'] * 1e6:.1f}/{one['light'] * 1e6:.1f}"
        for one in result["workloads"]
    )
    return (
        f"{name:34} score {result['value']:.3f}  us of candidate/T_b/T_SOL: {numbers}  {result['judge_seconds']:.0f} s"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Judge the kernels of tasks/kernels on this machine.")
    parser.add_argument("--root", type=Path, required=True, help="tasks/kernels")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--seconds", type=float, default=300.0, help="for all of it; what does not fit is left out")
    parser.add_argument("--table-seconds", type=float, default=150.0, help="for the table, compiling included")
    parser.add_argument("--compile-share", type=int, help="(own use) fill the compiler's cache with a share")
    parser.add_argument("--solutions", nargs="*", help="names; all without")
    parser.add_argument("--options", default="", help="for the judge")
    options = parser.parse_args()
    started = time.monotonic()
    torch.set_grad_enabled(False)
    if options.compile_share is not None:
        compile_ahead(options.root / "problems", options.compile_share, options.device)
        return 0
    ceilings = measure_ceilings(options.device)
    ceilings_file = options.output / "ceilings.json"
    ceilings_file.write_text(json.dumps(ceilings.to_json(), indent=1))
    print(json.dumps(ceilings.to_json()), flush=True)
    until = started + options.table_seconds
    if options.table_seconds > 0:
        command = [sys.executable, "-P", "-m", "assay_judge.gpu_kernel_suite", *sys.argv[1:], "--compile-share"]
        running = [subprocess.Popen([*command, str(share)]) for share in range(COMPILERS)]
        for one in running:
            try:
                one.wait(max(1.0, until - time.monotonic() - 60))
            except subprocess.TimeoutExpired:
                one.kill()
        print(f"compiled ahead after {time.monotonic() - started:.0f} s", flush=True)
        table(options.root / "problems", options.device, ceilings, until, options.output)
        torch.cuda.empty_cache() if options.device == "cuda" else None
        print(f"table after {time.monotonic() - started:.0f} s", flush=True)
    found = {}
    folders = {one.name: one for one in schema.problem_folders(options.root / "problems")}
    for name in options.solutions if options.solutions is not None else sorted(folders):
        solution = options.root / "solutions" / name / "solution.json"
        if not solution.exists() or time.monotonic() - started > options.seconds:
            continue
        extra = options.options.split()
        found[name] = judge_one(folders[name], solution, options.device, ceilings_file, extra, random.randrange(2**40))
        print(line_of(name, found[name]), flush=True)
        (options.output / "solutions.json").write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
