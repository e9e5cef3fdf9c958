"""NanoChat Autoresearch on one GPU or several, without the engine: baselines of the unmodified program, and the judge
on them.

    python bench/gpu/run_autoresearch.py --folder <carried> --out <folder> --runs 6 --long 1 --until 580

<carried> holds `task/` (task.yaml of `assay init --from autoresearch --substitutes`, with the checkout's train.py and
prepare.py) and `data/`: the prepared data, each file cut into parts named `folder!file.partNN.xz`, so that they travel
small and unpack in parallel.

The phases are those of task.yaml (run_phases.py says what is missing beside the engine: the sandbox). One GPU runs one
trial at a time; trials are taken from one list, the long one first where there are two GPUs. A trial that would not end
in time is not started. A line of <out>/autoresearch.jsonl for each trial: seed, seconds, claim, result, checks, wall
time, throughput.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from run_phases import Trial, change_constant, device_words, show_errors

CLAIM = re.compile(
    r"^(val_bpb|training_seconds|total_seconds|peak_vram_mb|mfu_percent|total_tokens_M|num_steps|num_params_M|depth):"
    r"\s+(\S+)$",
    re.MULTILINE,
)
BESIDE = 300
"""As in the adapter: seconds of a run's budget beside those of training."""


def unpack(packed: Path, data: Path) -> float:
    """Puts the prepared data together. Returns the seconds that it took."""
    begin = time.monotonic()
    if (data / "ready").exists():
        return 0.0
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    parts = sorted(packed.glob("*.part*.xz"))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        contents = threads.map(lambda part: lzma.decompress(part.read_bytes()), parts)
        for part, content in zip(parts, contents, strict=True):
            place = data / part.name.split(".part")[0].replace("!", "/")
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("ab") as file:
                file.write(content)
    (data / "ready").touch()
    return time.monotonic() - begin


def set_option(command: list[str], name: str, value: str) -> None:
    """Another value for an option of a phase's command, if it has it."""
    if name in command:
        command[command.index(name) + 1] = value


def prepared(options: argparse.Namespace, data: Path, seed: int, seconds: float, gpu: int | None) -> Trial:
    """A trial of the task with another time budget, on one GPU."""
    folder = options.work / f"{seed}-{os.getpid()}"
    trial = Trial((options.folder / "task").resolve(), data, folder, seed, "baseline", {})
    for change in options.set:
        change_constant(folder / "workspace", *change.split("=", 1))
    if options.patch:
        subprocess.run(["patch", "-p1", "-d", folder / "workspace", "-i", options.patch.resolve()], check=True)
    for phase in trial.spec["phases"]:
        set_option(phase["command"], "--time-budget", f"{seconds:g}")
        for option in options.option:
            set_option(phase["command"], *option.split("=", 1))
        if "budget" in phase:
            phase["budget"]["limit"] = seconds + BESIDE
            phase["timeout"] = seconds + BESIDE + 180
    trial.variables = {"HOME": str(folder / "home"), "ASSAY_ATTENTION": options.attention}
    if gpu is not None:
        trial.variables["CUDA_VISIBLE_DEVICES"] = str(gpu)
    return trial


def run_trial(options: argparse.Namespace, data: Path, seed: int, seconds: float, gpu: int | None) -> dict:
    """One trial and what is kept of it."""
    begin = time.monotonic()
    trial = prepared(options, data, seed, seconds, gpu)
    record = trial.run()
    text = (trial.folder / "train.out").read_text(errors="replace")
    rates = [int(one.replace(",", "")) for one in re.findall(r"tok/sec: ([\d,]+)", text)]
    record |= {
        "seconds": seconds,
        "gpu": gpu,
        "claim": {name: float(value) for name, value in CLAIM.findall(text.rpartition("\n---")[2])},
        "median_tokens_per_second": statistics.median(rates) if rates else None,
        "started": round(begin - options.begin, 1),
        "wall_seconds": round(time.monotonic() - begin, 1),
        "sandbox": "none",
        "changes": options.set + ([options.patch.name] if options.patch else []),
    }
    if not (record["result"] or {}).get("valid"):
        show_errors(trial.folder)
        for name in ("train.out", "train.err", "judge.err", "judge.peer.err"):
            if (trial.folder / name).exists():
                (options.out / f"{seed}-{name}").write_bytes((trial.folder / name).read_bytes()[-200_000:])
    elif seed == options.seed:
        (options.out / "first-train.out").write_text(text[-20_000:])
    shutil.rmtree(trial.folder)
    return record


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("/tmp/assay-autoresearch"))
    parser.add_argument("--runs", type=int, default=6, help="trials of --seconds")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--long", type=int, default=0, help="trials of --long-seconds")
    parser.add_argument("--long-seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1, help="of the first trial; long ones begin at 1000 more")
    parser.add_argument("--gpus", type=int, default=-1, help="how many (default: all; 0: the CPU)")
    parser.add_argument("--until", type=float, default=580, help="no trial is started that would end later")
    parser.add_argument("--beside", type=float, default=50, help="seconds that a trial takes beside its training")
    parser.add_argument("--cold", type=float, default=75, help="seconds more of the first trial on each GPU")
    parser.add_argument("--attention", default="", help="varlen, flex or sdpa (default: what the substitute chooses)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="constants of train.py")
    parser.add_argument("--patch", type=Path, help="of train.py, for patch -p1")
    parser.add_argument("--option", action="append", default=[], metavar="--NAME=VALUE", help="of the phases' commands")
    options = parser.parse_args()
    options.begin = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    data = options.work / "data"
    unpacked = unpack(options.folder / "data", data)
    words = device_words()
    if options.gpus < 0:
        import torch

        options.gpus = torch.cuda.device_count()
    print(f"{words}; {options.gpus} GPUs; data unpacked in {unpacked:.1f} s", flush=True)
    short = [(options.seed + number, options.seconds) for number in range(options.runs)]
    long = [(options.seed + 1000 + number, options.long_seconds) for number in range(options.long)]
    waiting = long + short if options.gpus > 1 else short + long
    lock = threading.Lock()
    records: list[dict] = []

    def take(cold: bool) -> tuple[int, float] | None:
        """The first trial of the list that still ends in time."""
        left = options.until - (time.monotonic() - options.begin)
        with lock:
            for one in waiting:
                if one[1] + options.beside + (options.cold if cold else 0) <= left:
                    waiting.remove(one)
                    return one
        return None

    def work(gpu: int | None) -> None:
        cold = True
        while (one := take(cold)) is not None:
            try:
                record = run_trial(options, data, *one, gpu) | {"device": words, "is_cold": cold}
            except Exception as error:
                record = {"seed": one[0], "seconds": one[1], "error": f"{type(error).__name__}: {error}"}
            cold = False
            result = record.get("result") or {}
            with lock:
                records.append(record)
                with (options.out / "autoresearch.jsonl").open("a") as log:
                    log.write(json.dumps(record) + "\n")
                ends = {name: end["wall_seconds"] for name, end in record.get("phases", {}).items()}
                print(
                    f"seed {one[0]}, {one[1]:g} s, GPU {gpu}: judged {result.get('value')} {result.get('metrics', '')} "
                    f"claim {record.get('claim', {}).get('val_bpb')}, "
                    f"{record.get('median_tokens_per_second')} tokens/s, "
                    f"{ends} {result.get('reason', '')} {record.get('error', '')}",
                    flush=True,
                )
                for check in result.get("checks", []):
                    if not check["ok"] or len(records) == 1:
                        print(f"  {'ok  ' if check['ok'] else 'FAIL'} {check['id']}: {check['detail']}", flush=True)

    workers = [threading.Thread(target=work, args=(gpu,)) for gpu in (range(options.gpus) if options.gpus else [None])]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for seconds in sorted({one["seconds"] for one in records}):
        values = [
            one["result"]["value"]
            for one in records
            if one["seconds"] == seconds and (one.get("result") or {}).get("valid")
        ]
        if len(values) > 1:
            print(
                f"{seconds:g} s: n = {len(values)}, mean {statistics.mean(values):.5f}, "
                f"sigma {statistics.stdev(values):.5f}"
            )
        elif values:
            print(f"{seconds:g} s: n = 1, {values[0]:.5f}")
    print(f"not started: {waiting}; {time.monotonic() - options.begin:.0f} s in all", flush=True)
    return 0 if any((one.get("result") or {}).get("valid") for one in records) else 1


if __name__ == "__main__":
    sys.exit(main())
