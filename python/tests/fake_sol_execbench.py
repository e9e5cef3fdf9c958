"""Behaves as SOL-ExecBench's command does towards who started it, without a GPU and without running the solution.

What it is to do stands in the solution's first source: `# fake: <word>`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from sol_problems import evaluation

parser = argparse.ArgumentParser()
parser.add_argument("problem", type=Path)
parser.add_argument("--solution", type=Path, required=True)
parser.add_argument("-o", dest="output", type=Path, required=True)
parser.add_argument("--compile-timeout", type=int, default=120)
parser.add_argument("--timeout", type=int, default=600)
options = parser.parse_args()

definition = json.loads((options.problem / "definition.json").read_text())
workloads = [json.loads(line) for line in (options.problem / "workload.jsonl").read_text().splitlines() if line]
solution = json.loads(options.solution.read_text())
assert all(one["content"] for one in solution["sources"])
found = re.search(r"fake: ([\w-]+)", solution["sources"][0]["content"])
what = found.group(1) if found else "pass"


def trace(workload: dict, status: str = "PASSED", latency: float = 0.5) -> dict:
    return {
        "definition": definition["name"],
        "workload": workload,
        "solution": solution["name"],
        "evaluation": evaluation(status, latency),
    }


if what == "compile":
    sys.exit("Compilation failed\nkernel.cu(3): error: no")
if what == "hang":
    # A child of the candidate's own outlives the command that started it.
    subprocess.Popen(["sleep", "31.25"])
    time.sleep(60)
if what == "gives-up":
    subprocess.run(["sleep", "60"], timeout=0.1)
if what == "no-trace":
    sys.exit("Evaluation failed")
if what == "python":
    version = subprocess.run(["python", "-c", "import sys; print(sys.version)"], capture_output=True, text=True).stdout
    assert version.strip() == sys.version, version
traces = [trace(one) for one in workloads]
code = 0
if what == "some":
    traces = traces[:1]
if what == "wrong":
    traces[1] = trace(workloads[1], "INCORRECT_NUMERICAL")
    code = 1
if what == "hack":
    traces[1] = trace(workloads[1], "REWARD_HACK")
    code = 1
if what == "twice":
    traces.append(trace(workloads[0], latency=1e-9))
if what == "foreign":
    traces.append(trace(workloads[0] | {"uuid": "w-1"}))
if what == "other-sizes":
    traces[0]["workload"] = workloads[0] | {"axes": {"rows": 1}}
if what == "other-tolerance":
    traces[0]["workload"] = workloads[0] | {"tolerance": {"max_atol": 1e9}}
if what == "other-solution":
    traces[0]["solution"] = "better"
if what == "no-time":
    traces[0]["evaluation"]["performance"]["latency_ms"] = 0.0
if what == "wrong-code":
    code = 1
text = "".join(json.dumps(one) + "\n" for one in traces)
if what == "not-finite":
    text = text.replace("0.25", "NaN")
if what == "torn":
    text = text[:-20]
options.output.write_text(text)
sys.exit(code)
