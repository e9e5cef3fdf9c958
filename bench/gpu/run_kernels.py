"""Everything that is measured of tasks/kernels and of the judge of GPU kernels, in one command within a stated time.

    python bench/gpu/run_kernels.py --out "$OUT" --seconds 330

Writes <out>/kernels.jsonl, a JSON line after every step, so that a run that is cut off keeps what it has;
summarize_kernels.py makes tables of it. In order:

1. facts of the device, its measured ceilings, the CUPTI helper;
2. while 10 processes compile all references: hostile kernels that are refused for what they compute, not for time;
3. alone on the device: T_b (the better of eager and compiled) and T_SOL of all problems;
4. our own solutions through the judge, each in a process of its own, interleaved with the baseline;
5. the same kernel against itself: how often is there a difference?
6. hostile kernels that are about time, then honest ones that look suspicious.

No sandbox: only programs that somebody read. `--device cpu --problems softmax_fp32` tries the way itself without a GPU.
`--only table exploits:side-stream,all-at-once solutions` does these alone, in this order, references compiled before;
summarize_kernels.py merges several files, of two records of one thing the later counts.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOSTILE_PROBLEM_WORKLOAD = {"softmax_fp32": 2, "layer_norm_fp32": 1, "gemm_fp32": 0}
ABOUT_TIME = ("gpu-kernel-clock", "gpu-kernel-baseline", "gpu-kernel-threads", "no-gain", "protocol")
SAME = (("softmax_fp32", 0), ("rms_norm_bf16", 0), ("swiglu_bf16", 1), ("layer_norm_fp32", 1), ("rotary_bf16", 0))


class Stopped(Exception):
    """A worker ended, or did not answer in time."""


class Worker:
    """A process of kernel_worker.py. `ask` gives its answers to one request."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._answers: queue.Queue = queue.Queue()
        with log.open("a") as file:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                env=environment,
                process_group=0,
            )
        threading.Thread(target=self._read, daemon=True).start()
        self._number = 0

    def _read(self) -> None:
        for line in self.process.stdout:
            self._answers.put(json.loads(line))
        self._answers.put(None)

    def send(self, request: dict) -> None:
        self._number += 1
        request = {**request, "number": self._number}
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise Stopped("the worker has ended") from error

    def answers(self, until: float):
        """Records up to the end of one request. Raises Stopped."""
        while True:
            try:
                one = self._answers.get(timeout=max(0.1, until - time.monotonic()))
            except queue.Empty:
                raise Stopped("the worker did not answer in time") from None
            if one is None:
                raise Stopped("the worker ended")
            if one.pop("number", self._number) != self._number:
                continue  # of a request that was given up
            if one.get("end"):
                if one.get("error"):
                    raise Stopped(one["error"])
                return
            yield one

    def ask(self, request: dict, until: float) -> list[dict]:
        self.send(request)
        return list(self.answers(until))

    def stop(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class Run:
    def __init__(self, options: argparse.Namespace) -> None:
        self.started = time.monotonic()
        self.options = options
        self.out = options.out
        self.out.mkdir(parents=True, exist_ok=True)
        self.root = ROOT / "tasks" / "kernels"
        self.lines = (self.out / "kernels.jsonl").open("a", buffering=1)
        self.folder = Path(tempfile.mkdtemp(prefix="assay-kernels-"))
        self.lock = threading.Lock()
        self.workers: list[Worker] = []
        self.spans: str | None = None
        self.ceilings: dict = {}
        self.problems = sorted(one.parent.name for one in self.root.glob("problems/*/*/definition.json"))
        if options.problems:
            self.problems = [one for one in self.problems if one in options.problems]
        self.names: dict[str, list[str]] = {}
        """Of a step: what alone is to be done in it. All that there is where none is named."""
        for one in options.only or ():
            step, _, names = one.partition(":")
            self.names[step] = names.split(",") if names else []
        if self.names and "table" not in self.names:
            wanted = self.names.get("solutions", []) or (self.problems if "solutions" in self.names else [])
            self.problems = [one for one in self.problems if one in wanted]
        self.prepared: set[str] = set()
        self.compiled: dict[str, list[int]] = {one: [] for one in self.problems}

    def left(self) -> float:
        return self.options.seconds - (time.monotonic() - self.started)

    def write(self, kind: str, **record: object) -> None:
        with self.lock:
            line = {"kind": kind, "at": round(time.monotonic() - self.started, 2), **record}
            self.lines.write(json.dumps(line) + "\n")

    def say(self, words: str) -> None:
        print(f"{time.monotonic() - self.started:6.1f} s  {words}", flush=True)

    def worker(self) -> Worker:
        command = [sys.executable, str(ROOT / "bench" / "gpu" / "kernel_worker.py"), "--device", self.options.device]
        command += ["--root", str(self.root), "--folder", str(self.folder)]
        if self.spans:
            command += ["--spans", self.spans]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "TORCHINDUCTOR_COMPILE_THREADS": "1"}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "TORCHINDUCTOR_CACHE_DIR": str(self.folder / "inductor")}
        environment |= {"TRITON_CACHE_DIR": str(self.folder / "triton"), "OMP_NUM_THREADS": "1"}
        one = Worker(command, environment, self.out / "workers.log")
        self.workers.append(one)
        return one

    # --- steps

    def all_of_it(self) -> None:
        options = self.options
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        self.write("start", command=sys.argv, commit=commit, cores=os.cpu_count(), python=sys.version.split()[0])
        self.build_spans()
        compilers = [self.worker() for _ in range(options.compilers)]
        lanes = [self.worker() for _ in range(options.lanes)]
        for one in (*compilers, *lanes):
            list(one.answers(time.monotonic() + 120))
        facts = lanes[0].ask({"do": "measure"}, time.monotonic() + 60)[0]
        self.ceilings = facts["ceilings"]
        self.write("device", **facts)
        self.say(f"{facts['device']}: {json.dumps({k: f'{v:.3g}' for k, v in self.ceilings.items()})}")
        shares = [self.problems[turn :: len(compilers)] for turn in range(len(compilers))]
        owner = {name: one for one, names in zip(compilers, shares, strict=True) for name in names}
        self.compile_and_contain(compilers, shares, lanes)
        self.say(f"compiled {sum(map(len, self.compiled.values()))} of the references' workloads")
        self.step("ahead", lambda: self.build_ahead(owner))
        steps = {
            "table": lambda: self.table(owner),
            "solutions": lambda: self.solutions(owner),
            "same": lambda: self.same(lanes[0]),
            "exploits": lambda: self.hostile(lanes[:1], "exploits", about_time=True),
            "controls": lambda: self.hostile(lanes[:1], "controls", about_time=None),
        }
        for name in self.names or steps:
            self.step(name, steps[name])
        self.write("end", seconds=round(time.monotonic() - self.started, 1))

    def step(self, name: str, work) -> None:
        if name in self.options.skip:
            return
        try:
            work()
        except Stopped as error:
            self.write("problem", step=name, why=str(error)[-1500:])
            self.say(f"{name} was cut off: {str(error)[-200:]}")
        self.say(f"{name} done")

    def build_spans(self) -> None:
        target = self.folder / "gpu_spans.so"
        command = [sys.executable, "-P", "-m", "assay_judge.gpu_kernel_spans", "--output", str(target)]
        end = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "python")}
        )
        self.spans = str(target) if end.returncode == 0 else None
        self.write("spans", built=end.returncode == 0, words=(end.stdout + end.stderr).strip()[-600:])

    def compile_and_contain(self, compilers: list[Worker], shares: list[list[str]], lanes: list[Worker]) -> None:
        seconds = min(self.options.compile_seconds, self.left())
        if "compile" not in self.options.skip:
            for one, names in zip(compilers, shares, strict=True):
                one.send({"do": "compile", "problems": names, "seconds": seconds, "ceilings": self.ceilings})
        stop = time.monotonic() + seconds
        contain = threading.Thread(target=self.hostile, args=(lanes, "exploits", False, stop))
        if "contain" not in self.options.skip and not self.names:
            contain.start()
        for one in compilers if "compile" not in self.options.skip else []:
            try:
                # A graph that is being compiled at the end of the time is waited for.
                for record in one.answers(stop + 60):
                    self.write("compile", **record)
                    if record["compiled"]:
                        self.compiled[record["problem"]].append(record["workload"])
            except Stopped as error:
                self.write("problem", step="compile", why=str(error)[-800:])
        if contain.ident is not None:
            contain.join()

    def table(self, owner: dict[str, Worker]) -> None:
        broken: set[int] = set()
        for name in self.problems:
            one = owner[name]
            if id(one) in broken or self.left() < 10:
                self.write("table", problem=name, error="not timed: its worker stopped or no time was left")
                continue
            request = {"do": "table", "problem": name, "compiled": self.compiled[name], "ceilings": self.ceilings}
            request["blocks"] = self.options.table_blocks
            try:
                one.send(request)
                for record in one.answers(time.monotonic() + min(40, self.left())):
                    self.write("table", **record)
            except Stopped as error:
                broken.add(id(one))
                self.write("table", problem=name, error=str(error)[-400:])

    def build_ahead(self, owner: dict[str, Worker]) -> None:
        """Hosts of what nvcc has to compile: that takes about a minute, while references are timed."""
        for folder in sorted((self.root / "solutions").glob("*/solution.json")):
            solution = with_sources(folder)
            is_native = solution["spec"]["languages"] == ["cuda_cpp"] and not self.is_cpu()
            named = self.names.get("solutions", [] if "solutions" in self.names or not self.names else ["none"])
            if named and folder.parent.name not in named:
                continue
            if is_native and solution["definition"] in self.problems:
                self.prepare(owner[solution["definition"]], folder.parent.name, solution)
                self.prepared.add(folder.parent.name)

    def solutions(self, owner: dict[str, Worker]) -> None:
        """Hosts are started two ahead."""
        waiting = []
        for folder in sorted((self.root / "solutions").glob("*/solution.json")):
            solution = with_sources(folder)
            if solution["definition"] in self.problems:
                waiting.append((folder.parent.name, solution))
        # What has to be compiled by nvcc was started first and comes last.
        waiting.sort(key=lambda one: one[1]["spec"]["languages"] == ["cuda_cpp"])
        if named := self.names.get("solutions"):
            waiting = sorted((one for one in waiting if one[0] in named), key=lambda one: named.index(one[0]))
        prepared = 0
        for turn, (name, solution) in enumerate(waiting):
            while prepared < min(len(waiting), turn + 4):
                if waiting[prepared][0] not in self.prepared:
                    self.prepare(owner[waiting[prepared][1]["definition"]], *waiting[prepared])
                prepared += 1
            one = owner[solution["definition"]]
            compiled = set(self.compiled[solution["definition"]])
            request = {"do": "judge", "key": name, "problem": solution["definition"], "seconds": 60}
            request |= {"blocks": self.options.blocks, "compile": len(compiled) > 1, "ceilings": self.ceilings}
            if self.left() < (8 if self.names else self.options.reserve):
                self.write("solution", name=name, not_run="no time was left")
                continue
            try:
                result = one.ask(request, time.monotonic() + 75)[0]["result"]
            except Stopped as error:
                result = {"valid": False, "reason": str(error)[-500:]}
            self.write("solution", name=name, problem=solution["definition"], result=slim(result))
            self.say(f"{name}: {result.get('value', result.get('reason', ''))}"[:170])

    def prepare(self, one: Worker, key: str, solution: dict) -> None:
        try:
            one.ask(
                {"do": "prepare", "key": key, "solution": solution, "ceilings": self.ceilings}, time.monotonic() + 30
            )
        except Stopped as error:
            self.write("problem", step=f"prepare {key}", why=str(error)[-300:])

    def same(self, one: Worker) -> None:
        for name, _ in SAME if not self.is_cpu() else ():
            place = self.root / "solutions" / name / "solution.json"
            if name in self.problems and place.exists():
                for turn in range(2):
                    self.prepare(one, f"same {name} {turn}", with_sources(place))
        for name, workload in SAME:
            place = self.root / "solutions" / name / "solution.json"
            if name not in self.problems or not place.exists() or self.left() < 30:
                continue
            if self.is_cpu() and name != "softmax_fp32":
                continue
            keys = [f"same {name} {turn}" for turn in range(2)]
            honest = self.root / "hostile" / "controls" / "library.py"
            # Without a GPU there may be no Triton.
            for key in keys if self.is_cpu() else ():
                self.prepare(one, key, solution_of(honest, header_of(honest)))
            request = {"do": "repeat", "problem": name, "workload": workload, "keys": keys, "ceilings": self.ceilings}
            request |= {"comparisons": self.options.comparisons, "seconds": min(14, self.left())}
            try:
                one.send(request)
                for record in one.answers(time.monotonic() + 45):
                    self.write("same", **record)
            except Stopped as error:
                self.write("problem", step=f"same {name}", why=str(error)[-800:])

    def hostile(self, lanes: list[Worker], kind: str, about_time: bool | None, stop: float = float("inf")) -> None:
        """All of a kind, shared among the lanes. `stop`: what has not begun by then is left to the next turn."""
        waiting: queue.Queue = queue.Queue()
        # What the gain of hostile ones is measured against.
        for name in ("library", "library-product") if about_time else ():
            path = self.root / "hostile" / "controls" / f"{name}.py"
            waiting.put((path, header_of(path) | {"expects": "passes", "as": "honest"}))
        for path in sorted((self.root / "hostile" / kind).glob("*.py")):
            head = header_of(path)
            timed = any(one in ABOUT_TIME for one in head["expects"].split(", "))
            is_late = path.name in self.late if about_time else False
            if head["problem"] not in self.options.hostile_problems or (head["needs"] == "cuda" and self.is_cpu()):
                continue
            if path.stem in self.passed:
                continue
            if named := self.names.get(kind):
                if path.stem in named:
                    waiting.put((path, head))
                continue
            if about_time is None or timed == about_time or is_late:
                waiting.put((path, head))
        for path in sorted((self.root / "hostile" / "controls").glob("*.py")) if about_time is False else ():
            head = header_of(path)
            if head["problem"] in self.options.hostile_problems and (head["needs"] == "any" or not self.is_cpu()):
                waiting.put((path, head | {"as": "controls"}))
        # Beside the compilers there is less memory; what is timed needs many sets.
        most = 1 << 30 if about_time is False else None
        threads = [threading.Thread(target=self.lane, args=(one, waiting, kind, stop, most)) for one in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    passed: set[str] = set()
    """Honest kernels that passed beside the compilers already; those that did not have another turn alone."""
    late: set[str] = set()
    """Hostile kernels that had no turn while references were compiled."""

    def is_cpu(self) -> bool:
        return self.options.device == "cpu"

    def lane(self, one: Worker, waiting: queue.Queue, kind: str, stop: float, most: int | None) -> None:
        ready: list[tuple[Path, dict]] = []
        while True:
            while len(ready) < self.options.ahead and not waiting.empty():
                try:
                    path, head = waiting.get_nowait()
                except queue.Empty:
                    break
                self.prepare(one, path.stem, solution_of(path, head))
                ready.append((path, head))
            if not ready:
                return
            path, head = ready.pop(0)
            if time.monotonic() > stop:
                self.late.add(path.name)
                self.forget(one, path.stem)
                continue
            record = {
                "name": path.stem,
                "list": head.get("as", kind),
                "class": head["class"],
                "expects": head["expects"],
            }
            if self.left() < 8:
                self.write("hostile", **record, not_run="no time was left")
                continue
            request = {"do": "judge", "key": path.stem, "problem": head["problem"], "ceilings": self.ceilings}
            request |= {"blocks": 5, "compile": False, "seconds": 40, "most_bytes": most}
            request |= {"workloads": [0] if self.is_cpu() else [HOSTILE_PROBLEM_WORKLOAD[head["problem"]]]}
            if self.is_cpu():
                request["share"] = True
            try:
                result = one.ask(request, time.monotonic() + 50)[0]["result"]
            except Stopped as error:
                result = {"valid": False, "reason": f"no answer: {error}"[:500], "judge_failed": True}
            if stop < float("inf") and record["list"] == "controls":
                if not result["valid"]:
                    self.write("noisy", **record, problem=head["problem"], result=slim(result))
                    continue
                self.passed.add(path.stem)
            self.write("hostile", **record, problem=head["problem"], result=slim(result))

    def forget(self, one: Worker, key: str) -> None:
        try:
            one.ask({"do": "forget", "key": key, "ceilings": self.ceilings}, time.monotonic() + 10)
        except Stopped as error:
            self.write("problem", step=f"forget {key}", why=str(error)[-300:])


def header_of(path: Path) -> dict[str, str]:
    lines = [line[2:].split(": ", 1) for line in path.read_text().splitlines()[:8] if line.startswith("# ")]
    return {one[0]: one[1] for one in lines if len(one) == 2}


def solution_of(path: Path, head: dict[str, str]) -> dict:
    return {
        "name": path.stem,
        "definition": head["problem"],
        "author": "assay",
        "spec": {
            "languages": ["pytorch"],
            "target_hardware": ["LOCAL"],
            "entry_point": "kernel.py::run",
            "dependencies": [],
            "destination_passing_style": head["style"] == "passing",
        },
        "sources": [{"path": "kernel.py", "content": path.read_text()}],
    }


def with_sources(path: Path) -> dict:
    solution = json.loads(path.read_text())
    for source in solution["sources"]:
        source["content"] = source.get("content") or (path.parent / source["path"]).read_text()
    return solution


def slim(result: dict) -> dict:
    """Without what is the same everywhere."""
    return {key: value for key, value in result.items() if key not in ("traces", "ceilings")}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure tasks/kernels and the judge of GPU kernels.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=330.0, help="for all of it; everything is ended then")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--compilers", type=int, default=10)
    parser.add_argument("--lanes", type=int, default=3, help="hostile kernels judged side by side while others compile")
    parser.add_argument("--ahead", type=int, default=3, help="hosts of a lane that are started before their turn")
    parser.add_argument("--compile-seconds", type=float, default=70.0)
    parser.add_argument("--blocks", type=int, default=5, help="bursts of a workload of our solutions, two to warm up")
    parser.add_argument(
        "--comparisons", type=int, default=20, help="of a kernel with itself, for each problem and kind"
    )
    parser.add_argument("--reserve", type=float, default=95.0, help="seconds that solutions leave for what follows")
    parser.add_argument("--problems", nargs="*", help="all without")
    parser.add_argument("--only", nargs="*", help="steps in order, each with names: table, solutions:NAME,NAME")
    parser.add_argument("--table-blocks", type=int, default=7, help="bursts of each reference, two to warm up")
    parser.add_argument("--hostile-problems", nargs="*", default=list(HOSTILE_PROBLEM_WORKLOAD))
    parser.add_argument("--skip", nargs="*", default=[], help="compile contain ahead table solutions same exploits controls")
    options = parser.parse_args()
    run = Run(options)

    def cut_off() -> None:
        run.write("end", seconds=options.seconds, cut_off=True)
        run.say("the time is over")
        for one in run.workers:
            one.stop()
        shutil.rmtree(run.folder, ignore_errors=True)
        os._exit(0)

    watch = threading.Timer(options.seconds, cut_off)
    watch.daemon = True
    watch.start()
    try:
        run.all_of_it()
    finally:
        for one in run.workers:
            one.stop()
        shutil.rmtree(run.folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
