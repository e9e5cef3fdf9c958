"""Judges the example solutions of a SOL-ExecBench checkout on this GPU: by its own command and by our judge.

    python bench/gpu/sol_execbench.py --checkout <checkout> --wheels <folder> --out <folder> [--seconds 280]

For machines where only Python is there: no engine, no sandbox, so for solutions that are known alone. Packages that the
official command needs and the machine lacks (pydantic, cupti-python) may lie in `--wheels`; they are unpacked into a
folder of their own. Writes <out>/sol.jsonl, a line after every step, most important first; what does not fit into the
seconds is left out. `--tiny` tries the way on the CPU with a program in place of the command.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOLUTIONS = (
    "triton/nemotron_rms_norm/solution_triton.json",
    "pytorch/linear_backward/solution_python.json",
    "cuda_cpp/flux_rope/solution_cuda.json",
    "triton/rmsnorm/solution_triton.json",
    "pytorch/gemma3_swiglu/solution_python.json",
    "triton/olmo3_post_norm/solution_triton.json",
    "cuda_cpp/rmsnorm/solution_cuda.json",
    # Languages that our judge does not take: their problems' references, below.
    "cudnn/softmax",
    "cutlass/gemm",
    "cutile/jamba_attn_proj",
)


class Records:
    def __init__(self, folder: Path, started: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / "sol.jsonl").open("a")
        self._started = started

    def add(self, **record: object) -> None:
        line = json.dumps({"at": round(time.monotonic() - self._started, 1), **record})
        print(line[:600], flush=True)
        self._file.write(line + "\n")
        self._file.flush()


def unpack(wheels: Path | None, folder: Path) -> None:
    for wheel in sorted(wheels.glob("*.whl")) if wheels is not None else []:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)


def copy_solution(checkout: Path, given: str, folder: Path) -> Path:
    """The candidate's folder: an example's solution with its files, or the problem's reference as a solution."""
    example = checkout / "examples" / given
    problem = example.parent if example.suffix == ".json" else example
    folder.mkdir(parents=True)
    if example.suffix == ".json":
        record = json.loads(example.read_text())
        for source in record["sources"]:
            if not source.get("content"):
                shutil.copy(problem / source["path"], folder / source["path"])
    else:
        definition = json.loads((problem / "definition.json").read_text())
        (folder / "kernel.py").write_text(definition["reference"])
        specification = {
            "languages": ["pytorch"],
            "target_hardware": ["LOCAL"],
            "entry_point": "kernel.py::run",
            "destination_passing_style": False,
        }
        record = {"name": "reference", "definition": definition["name"], "author": "assay", "spec": specification}
        record["sources"] = [{"path": "kernel.py", "content": ""}]
    (folder / "solution.json").write_text(json.dumps(record))
    return problem


def official(problem: Path, solution: Path, output: Path, environment: dict, more: list[str], seconds: float) -> dict:
    command = [sys.executable, "-P", "-m", "assay_judge.sol_official", "--problem", str(problem)]
    command += ["--solution", str(solution), "--output", str(output), *more]
    end = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds)
    report = (
        json.loads((output / "official.json").read_text()) if end.returncode == 0 else {"failed": end.stderr[-800:]}
    )
    traces = output / "traces.jsonl"
    lines = [json.loads(line)["evaluation"] for line in traces.read_text().splitlines()] if traces.exists() else []
    report["latency_us"] = [one["performance"]["latency_ms"] * 1e3 if one["performance"] else None for one in lines]
    report["reference_us"] = [
        one["performance"]["reference_latency_ms"] * 1e3 if one["performance"] else None for one in lines
    ]
    report["log"] = next((one["log"][-1200:] for one in lines if one["status"] != "PASSED"), "")
    return report


def ours(problem: Path, solution: Path, scratch: Path, environment: dict, device: list[str], seconds: float) -> dict:
    exchange, result = scratch / "exchange", scratch / "result.json"
    exchange.mkdir()
    module = [sys.executable, "-P", "-m"]
    given = ["--exchange", str(exchange), "--device", device[0]]
    host_in, judge_out = os.pipe()
    judge_in, host_out = os.pipe()
    with (scratch / "host.log").open("w") as log:
        host = subprocess.Popen(
            [*module, "assay_judge.gpu_kernel_host", "--solution", str(solution / "solution.json"), *given],
            stdin=host_in,
            stdout=host_out,
            stderr=log,
            env=environment,
        )
    os.close(host_in)
    os.close(host_out)
    command = [*module, "assay_judge.sol_judge", "--problem", str(problem), "--solution", str(solution), *given]
    command += ["--official", str(scratch), "--seed", str(time.time_ns() % 2**40), "--result", str(result), *device[1:]]
    command += ["--host-process", str(host.pid), "--timeout", str(seconds)]
    peer = {"ASSAY_PEER_OUT_FD": str(judge_out), "ASSAY_PEER_IN_FD": str(judge_in)}
    try:
        end = subprocess.run(
            command,
            env={**environment, **peer},
            pass_fds=(judge_out, judge_in),
            capture_output=True,
            text=True,
            timeout=seconds + 40,
        )
    finally:
        os.close(judge_out)
        os.close(judge_in)
        host.kill()
        host.wait()
    if end.returncode != 0:
        return {"failed": end.stderr[-1500:], "host": (scratch / "host.log").read_text()[-800:]}
    return json.loads(result.read_text())


def summary(result: dict) -> dict:
    """What a line keeps of our judge's result."""
    if not result.get("valid"):
        return result | {"traces": None, "host": result.get("host")}
    metrics = result["metrics"]
    kept = {name: result.get(name) for name in ("value", "least", "ceilings", "device", "judge_seconds")}
    return kept | {"metrics": metrics, "checks": [one for one in result["checks"] if not one["ok"]]}


def describe_machine(environment: dict) -> dict:
    text = (
        "import json, sys, torch\nfound = {'torch': torch.__version__, 'python': sys.version.split()[0]}\n"
        "found['device'] = torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu'\n"
        "for name in ('triton', 'pydantic', 'click', 'rich', 'safetensors', 'cupti.cupti'):\n"
        "    try:\n        found[name] = str(getattr(__import__(name), '__version__', 'there'))\n"
        "    except Exception as error:\n        found[name] = f'{type(error).__name__}: {error}'\n"
        "print(json.dumps(found))\n"
    )
    end = subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True)
    return json.loads(end.stdout) if end.returncode == 0 else {"failed": end.stderr[-800:]}


def main() -> int:
    started = time.monotonic()
    parser = argparse.ArgumentParser(description="Judge the examples of a SOL-ExecBench checkout twice.")
    parser.add_argument("--checkout", type=Path, required=True)
    parser.add_argument("--wheels", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=280.0)
    parser.add_argument("--solutions", nargs="*", default=list(SOLUTIONS))
    parser.add_argument("--tiny", action="store_true", help="on the CPU, with a fake of the official command")
    options = parser.parse_args()
    records = Records(options.out, started)
    with tempfile.TemporaryDirectory(prefix="sol-bench-") as folder:
        scratch = Path(folder)
        site = scratch / "site"
        site.mkdir()
        unpack(options.wheels, site)
        # What the machine has comes first in its own way; what is unpacked only joins it.
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'python'}:{site}", "PYTHONDONTWRITEBYTECODE": "1"}
        records.add(step="machine", **describe_machine(environment))
        device = ["cpu", "--blocks", "3", "--no-compile"] if options.tiny else ["cuda"]
        source = options.checkout.resolve() / "src"
        fake = ["--command", sys.executable, str(ROOT / "python" / "tests" / "fake_sol_execbench.py")]
        for turn, given in enumerate(options.solutions):
            left = options.seconds - (time.monotonic() - started)
            if left < 25:
                records.add(step="cut", left_out=options.solutions[turn:])
                break
            work = scratch / str(turn)
            work.mkdir()
            try:
                problem = copy_solution(options.checkout, given, work / "solution")
                # Its own limits end it, with all that it started, before ours would end it alone.
                each = str(max(5, min(90, int(left - 20) // 2)))
                more = ["--source", f"{source}:{site}", "--timeout", each, "--compile-timeout", each, "--spare", "5"]
                more += fake if options.tiny else []
                report = official(problem, work / "solution", work, environment, more, max(left, 30.0))
                records.add(step="official", solution=given, **report)
                left = options.seconds - (time.monotonic() - started)
                result = ours(problem, work / "solution", work, environment, device, max(10.0, min(left - 5, 120.0)))
                records.add(step="ours", solution=given, **summary(result))
            except Exception as error:
                records.add(step="error", solution=given, error=f"{type(error).__name__}: {error}"[:1500])
    records.add(step="end", seconds=round(time.monotonic() - started, 1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
