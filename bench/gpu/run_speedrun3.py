"""Track 3 of the NanoGPT Speedrun on one GPU, without the engine: the program as it is, for some steps, and its judge.

    python bench/gpu/run_speedrun3.py --folder <carried> --out <folder> --steps 140

<carried> is that of run_autoresearch.py with the checkout's train_gpt_simple.py beside `task/`. The .bin shards are
made here from its text by its tokenizer of 8192: ids below 50257 are valid, so the program runs as on GPT-2's, and its
losses compare with nothing else. A run of fewer steps than the program's 3250 is a smoke run: the one number
`train_steps` is replaced in the copy, the schedule follows it, and the result names it as a deviation.

It does what the phases of `assay init --from speedrun --track 3` do, without the sandbox, and prints the judge's
checks.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).resolve().parent), str(ROOT / "python")]

from assay_judge.autoresearch_rows import load_encoding, row_groups
from run_autoresearch import unpack
from run_phases import device_words

BEGINNING = 50256
VALIDATION_TOKENS = 20 * 524288
STEPS = re.compile(r"^(\s*train_steps = )(\d+)$", re.MULTILINE)


def tokens_of(paths: list[Path], folder: Path) -> np.ndarray:
    """uint16: each document after a 50256."""
    encoding = load_encoding(str(folder / "tokenizer"))
    parts: list[np.ndarray] = []
    for path in paths:
        for texts in row_groups(str(path)):
            for ids in encoding.encode_ordinary_batch(texts, num_threads=os.cpu_count() or 8):
                parts.append(np.array([BEGINNING, *ids], dtype="<u2"))
    return np.concatenate(parts)


def write_shard(path: Path, tokens: np.ndarray) -> None:
    """A .bin of modded-nanogpt."""
    header = np.zeros(256, dtype="<i4")
    header[:3] = [20240520, 1, len(tokens)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.tobytes() + tokens.tobytes())


def make_shards(text: Path, data: Path, validation_tokens: int) -> dict[str, int]:
    """Training, validation from the end of the training text, and a hidden shard. Returns tokens of each."""
    shards = sorted(path for path in (text / "seen").glob("*.parquet") if path.name != "shard_06542.parquet")
    tokens = tokens_of(shards, text)
    hidden = tokens_of([text / "seen" / "shard_06542.parquet", *(text / "hidden").glob("*.parquet")], text)
    cut = len(tokens) - validation_tokens - 2
    write_shard(data / "seen/fineweb_train_000001.bin", tokens[:cut])
    write_shard(data / "seen/fineweb_val_000000.bin", tokens[cut:])
    write_shard(data / "hidden/fineweb_train_000020.bin", hidden)
    return {"training": cut, "validation": len(tokens) - cut, "hidden": len(hidden)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("/tmp/assay-autoresearch"))
    parser.add_argument("--program", default="speedrun/train_gpt_simple.py", help="in the folder")
    parser.add_argument("--steps", type=int, default=140, help="0: as many as the program says")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--validation-tokens", type=int, default=VALIDATION_TOKENS)
    parser.add_argument("--judge-option", action="append", default=[], help="more words for the judge's command")
    parser.add_argument("--plain", action="store_true", help="start the launcher without torchrun")
    parser.add_argument("--until", type=float, default=560, help="ends training after so many seconds from now")
    options = parser.parse_args()
    begin = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    log = (options.out / "speedrun3.jsonl").open("a")

    def note(**facts: object) -> None:
        line = json.dumps({"at": round(time.monotonic() - begin, 1), **facts})
        log.write(line + "\n")
        log.flush()
        print(line[:1500], flush=True)

    text = options.work / "data"
    unpack(options.folder / "data", text)
    data = options.work / "speedrun"
    if not (data / "hidden").exists():
        note(step="shards", tokens=make_shards(text, data, options.validation_tokens))
    hidden = int(np.fromfile(data / "hidden/fineweb_train_000020.bin", dtype="<i4", count=3)[2])

    place = options.work / f"speedrun-{options.seed}-{os.getpid()}"
    (place / "output").mkdir(parents=True)
    source = (options.folder / options.program).read_text()
    deviations = ["text and tokenizer are our own"]
    if options.steps:
        whole = STEPS.search(source)
        source, count = STEPS.subn(rf"\g<1>{options.steps}", source)
        if count != 1 or whole is None:
            raise SystemExit(f"run_speedrun3: {count} places with train_steps in {options.program}")
        deviations.append(f"{options.steps} steps in place of the program's {whole[2]}: a smoke run")
    program = place / "train_gpt_simple.py"
    program.write_text(source)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")},
        "PYTHONPATH": os.pathsep.join([str(ROOT / "python"), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONUNBUFFERED": "1",
        "TORCHINDUCTOR_CACHE_DIR": "/tmp/inductor",
        "TRITON_CACHE_DIR": "/tmp/triton",
    }
    python, output = sys.executable, place / "output"
    launch = [python, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={options.gpus}"]
    launch = [python] if options.plain else launch
    launch += ["-m", "assay_judge.speedrun_launch", "--note", output / "note.json"]
    launch += ["--checkpoint", output / "checkpoint.pt", "--seed", str(options.seed), program]
    run = [python, "-P", "-m", "assay_judge.run_folder", "--link", f"data/fineweb10B={data / 'seen'}"]
    run += ["--link", f"logs={output}", "--", *launch]
    started = time.monotonic()
    with (options.out / "train.out").open("wb") as out, (options.out / "train.err").open("wb") as err:
        process = subprocess.Popen(run, env=environment, stdout=out, stderr=err, start_new_session=True)
        try:
            code: int | str = process.wait(max(1, options.until - (time.monotonic() - begin)))
        except subprocess.TimeoutExpired:
            process.terminate()  # torchrun ends its workers, which have sessions of their own
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
            code = "ended at the limit"
    words = (options.out / "train.err").read_text(errors="replace")[-1500:] if code else ""
    note(step="train", code=code, wall_seconds=round(time.monotonic() - started, 1), words=words)
    judge = [python, "-P", "-m", "assay_judge.speedrun_judge", "--track", "3", "--logs", output, "--program", program]
    judge += ["--data", data, "--tokens", str(options.validation_tokens)]
    judge += ["--hidden-tokens", str((hidden - 1) // 1024 * 1024), "--result", place / "result.json"]
    judge += [word for one in deviations for word in ("--deviation", one)] + options.judge_option
    started = time.monotonic()
    ended = subprocess.run(judge, env=environment, capture_output=True, text=True, check=False)
    path = place / "result.json"
    result = json.loads(path.read_text()) if path.is_file() else {"words": ended.stderr[-1500:]}
    note(
        step="judge",
        wall_seconds=round(time.monotonic() - started, 1),
        device=device_words(),
        seed=options.seed,
        sandbox="none",
        result=result,
        note=json.loads((output / "note.json").read_text()) if (output / "note.json").is_file() else None,
    )
    for check in result.get("checks", []):
        print(f"  {'ok  ' if check['ok'] else 'FAIL'} {check['id']}: {check['detail']}", flush=True)
    for path in output.glob("*.txt"):
        (options.out / path.name).write_bytes(path.read_bytes())
    return 0 if result.get("valid") else 1


if __name__ == "__main__":
    sys.exit(main())
