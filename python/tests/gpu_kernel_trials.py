"""Hosts and judges GPU kernels as a trial does, in real processes without a sandbox: harmless programs only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROBLEMS = ROOT / "tasks" / "kernels" / "problems"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def solution_of(problem: Path, text: str, passing: bool = True, language: str = "pytorch") -> dict:
    return {
        "name": "candidate",
        "definition": problem.name,
        "author": "tests",
        "spec": {
            "languages": [language],
            "target_hardware": ["LOCAL"],
            "entry_point": "kernel.py::run",
            "dependencies": [],
            "destination_passing_style": passing,
        },
        "sources": [{"path": "kernel.py", "content": text}],
    }


def judged(
    folder: Path,
    problem: Path,
    solution: dict,
    *,
    device: str = "cpu",
    seed: int = 1,
    options: tuple[str, ...] = ("--blocks", "3", "--no-compile"),
    host: list[str] | None = None,
    timeout: float = 300,
    variables: dict[str, str] = ENVIRONMENT,
) -> dict:
    """The result of one trial. `host`: a command that stands for the kernel host. `variables`: its environment."""
    exchange, result = folder / "exchange", folder / "result.json"
    exchange.mkdir(parents=True)
    (folder / "solution.json").write_text(json.dumps(solution))
    module = [sys.executable, "-P", "-m"]
    given = ["--solution", str(folder / "solution.json"), "--exchange", str(exchange), "--device", device]
    host_in, judge_out = os.pipe()
    judge_in, host_out = os.pipe()
    command = host or [*module, "assay_judge.gpu_kernel_host", *given]
    with (folder / "host.log").open("w") as log:
        peer = subprocess.Popen(command, stdin=host_in, stdout=host_out, stderr=log, env=variables)
    os.close(host_in)
    os.close(host_out)
    arguments = [*given, "--problem", str(problem), "--seed", str(seed), "--result", str(result), *options]
    arguments += ["--host-process", str(peer.pid), "--timeout", str(timeout)]
    descriptors = {"ASSAY_PEER_OUT_FD": str(judge_out), "ASSAY_PEER_IN_FD": str(judge_in)}
    try:
        end = subprocess.run(
            [*module, "assay_judge.gpu_kernel_judge", *arguments],
            env={**ENVIRONMENT, **descriptors},
            pass_fds=(judge_out, judge_in),
            capture_output=True,
            text=True,
        )
    finally:
        os.close(judge_out)
        os.close(judge_in)
        peer.kill()
        peer.wait()
    assert end.returncode == 0, end.stderr
    return json.loads(result.read_text())


def header_of(path: Path) -> dict[str, str]:
    """The first lines of a hostile kernel or a control."""
    lines = [line[2:].split(": ", 1) for line in path.read_text().splitlines()[:7]]
    return {one[0]: one[1] for one in lines if len(one) == 2}


def failed(result: dict) -> set[str]:
    return {check["id"] for check in result["checks"] if not check["ok"]}
