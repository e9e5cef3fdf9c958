"""The judge of the NanoGPT Speedrun: what a run's log says, held against what was measured apart.

    python -P -m assay_judge.speedrun_judge --track 3 --logs <folder> --program <file> --data <folder> --result <file>

Trusted: torch and numpy, never runs candidate code. It reads the one log of the run (speedrun_log.py), the note and the
final state that speedrun_launch.py left, and

- track 3: validates the state itself, on the official shard and on a hidden one, with a model of its own
  (speedrun_model.py), for the rules fix the architecture. The log's loss must be that loss;
- track 1: the architecture is free, so nobody but the program can compute its loss. A result then needs --accept-log,
  and says that its loss and time are the program's word.

Parameters are hashed when the clock starts and at the end; what lies outside the program's clock is bounded by the
outer one. One run says nothing of the target: that is for the gate, over runs whose number was chosen before.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay_judge.checkpoint_file import read_checkpoint
from assay_judge.language_checks import record
from assay_judge.language_model import first_failed, refusal, write_result
from assay_judge.protocol import HostFailure
from assay_judge.speedrun_launch import state_hash
from assay_judge.speedrun_log import LogProblem, RunLog, read_log
from assay_judge.speedrun_model import Model, Shape, mean_loss, what_differs

VALIDATION_TOKENS = 20 * 524288
MAGIC, VERSION, HEADER_BYTES = 20240520, 1, 1024
LARGEST_LOG, LARGEST_NOTE = 16 << 20, 1 << 16
VALIDATION_STEPS = {1: 250, 3: 25}
"""Steps between two validations, at least: of the unmodified program, and what the rules of track 3 let be printed.

The clock stands still in each, so more of them are no more time.
"""
UNTRAINED_MARGIN = 0.6
"""Nats: what has seen nothing needs ln of the vocabulary (10.83 of 50304), less no more than this."""


@dataclass(frozen=True)
class Limits:
    """What an honest run keeps."""

    untimed_seconds: float = 900.0
    """From the launch to the start of the clock."""
    validation_seconds: float = 60.0
    """Of each validation, in which the clock stands still."""
    loss: float = 0.003
    """Nats between the log's loss and ours on the same tokens: compiled and plain kernels round differently."""
    split_gap: float = 0.5
    """Nats that the hidden shard may be worse."""


def read_shard(path: Path, tokens: int) -> np.ndarray:
    """The first `tokens` tokens of a .bin shard, uint16. Exits with code 2 if it holds fewer or is none."""
    header = np.fromfile(path, dtype="<i4", count=256)
    if len(header) != 256 or header[0] != MAGIC or header[1] != VERSION or header[2] < tokens:
        sys.stderr.write(f"speedrun_judge: {path} is no shard of {tokens} tokens or more\n")
        sys.exit(2)
    return np.fromfile(path, dtype="<u2", count=tokens, offset=HEADER_BYTES)


def one_log(folder: Path) -> str:
    """The text of the only log. Raises HostFailure."""
    logs = sorted(folder.glob("*.txt"))
    if len(logs) != 1:
        raise HostFailure("invalid-metric" if logs else "crash", f"{len(logs)} logs were written, one is needed")
    file = read_checkpoint(logs[0], LARGEST_LOG)
    if file.problem or not file.content:
        raise HostFailure("invalid-metric", f"the log can't be read: {file.problem or 'it is too long'}")
    return file.content.decode("utf-8", "replace")


def log_records(log: RunLog, program: str, vocabulary: int) -> list[dict]:
    """What the log alone shows."""
    final, first = log.final, log.validations[0]
    found = [
        record(
            "log",
            True,
            f"{len(log.validations)} validations, the last at step {final.step} of {final.total}: {final.loss:.5f}, "
            f"{final.train_seconds:.3f} s",
        ),
        record("source-in-log", program.strip() in log.source, "the program that was judged is the one in the log"),
    ]
    # Both programs validate before their first step: one that does not hides what it knew when the clock started.
    least = float(np.log(vocabulary)) - UNTRAINED_MARGIN
    words = f"{first.loss:.4f} at step {first.step}, {least:.2f} at least at step 0"
    found.append(record("untrained-start", first.step == 0 and first.loss >= least, words))
    return found


def note_records(note: dict, log: RunLog, track: int, limits: Limits) -> list[dict]:
    """What the launcher noted, against the log. Raises KeyError or TypeError for a note that it did not write."""
    launched, started, ended = (float(note[name]) for name in ("launched", "clock_started", "ended"))
    hashing = float(note["hashing_seconds"])
    outer = ended - started - hashing
    beside = outer - log.final.train_seconds
    validations = min(len(log.validations), 2 + log.final.total // VALIDATION_STEPS[track])
    allowed = limits.validation_seconds * validations
    before, after = str(note["parameters_at_start"]), str(note["parameters_at_end"])
    tensors = int(note["optimizer_tensors_at_start"])
    return [
        record(
            "parameters-hashed",
            len(before) == len(after) == 64 and before != after,
            f"sha256 {before[:16]} when the clock started, {after[:16]} at the end",
        ),
        record("fresh-optimizer", tensors == 0, f"{tensors} optimizer tensors were not zero when the clock started"),
        record(
            "untimed",
            0 <= started - launched <= limits.untimed_seconds,
            f"{started - launched:.1f} s before the clock, allowed {limits.untimed_seconds:g}",
        ),
        record(
            "outer-clock",
            -0.01 * outer - 1 <= beside <= allowed,
            f"{outer:.1f} s from the clock's start to the end, {log.final.train_seconds:.1f} s of them in the log; "
            f"{allowed:g} s allowed for {validations} of {len(log.validations)} validations",
        ),
    ]


def validate(checkpoint: Path, note: dict, options: argparse.Namespace, checks: list[dict]) -> dict[str, float]:
    """Losses of the final state on both shards, nats per token. Raises HostFailure."""
    import torch

    if not checkpoint.is_file() or checkpoint.is_symlink():
        raise HostFailure("crash", f"the training run left no {checkpoint.name}")
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        differs = what_differs(state, options.shape)
    except Exception as error:
        raise HostFailure("invalid-metric", f"the state can't be read: {type(error).__name__}") from None
    words = "; ".join(differs[:5]) or f"{len(state)} tensors, each of the name and shape that the rules fix"
    checks.append(record("architecture", not differs, words))
    if differs:
        return {}
    same = state_hash(state) == note.get("parameters_at_end")
    checks.append(record("weights-unchanged", same, "the state has the hash that was noted at the end"))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = Model(state, options.shape, device)
    found = {}
    for name, tokens in (("seen", options.tokens), ("hidden", options.hidden_tokens)):
        paths = sorted((options.data / name).glob("fineweb_val_*.bin" if name == "seen" else "*.bin"))
        if not paths:
            sys.stderr.write(f"speedrun_judge: no shard in {options.data / name}\n")
            sys.exit(2)
        found[name] = mean_loss(model, read_shard(paths[0], tokens + 1), options.rows, device)
    return found


def validation_records(losses: dict[str, float], log: RunLog, options: argparse.Namespace) -> list[dict]:
    """The judge's losses against the log's."""
    limits: Limits = options.limits
    gap, split = losses["seen"] - log.final.loss, losses["hidden"] - losses["seen"]
    is_same_text = options.tokens == VALIDATION_TOKENS or options.is_small
    return [
        record("finite", bool(np.isfinite(list(losses.values())).all()), f"losses {losses}"),
        record("tokens-scored", True, f"{options.tokens} tokens validated, {options.hidden_tokens} hidden"),
        record(
            "log-vs-judged",
            abs(gap) <= (limits.loss if is_same_text else 0.1),
            f"judged {losses['seen']:.5f}, the log says {log.final.loss:.5f}",
        ),
        record("hidden-split", split <= limits.split_gap, f"hidden less validation {split:+.4f} nats"),
    ]


def judge(options: argparse.Namespace, checks: list[dict]) -> dict:
    """The result. Raises HostFailure; a check that fails is in `checks`."""
    try:
        log = read_log(one_log(options.logs), options.track)
    except LogProblem as problem:
        raise HostFailure("invalid-metric", f"the log: {problem}") from None
    checks += log_records(log, options.program.read_text(errors="replace"), options.vocabulary)
    noted = read_checkpoint(options.logs / options.note, LARGEST_NOTE)
    try:
        note = json.loads(noted.content)
        checks += note_records(note, log, options.track, options.limits)
    except (ValueError, KeyError, TypeError) as error:
        words = noted.problem or type(error).__name__
        checks.append(record("parameters-hashed", False, f"the launcher's note can't be read: {words}"))
    if first_failed(checks) is not None:
        return {}
    final = log.final
    metrics = {
        "log_loss": final.loss,
        "log_train_seconds": final.train_seconds,
        "steps": final.total,
        "untimed_seconds": note["clock_started"] - note["launched"],
        "outer_seconds": note["ended"] - note["clock_started"],
    }
    if options.track == 1:
        if not options.accept_log:
            raise HostFailure(
                "invalid-metric",
                "track 1 leaves the architecture free, so its loss can't be measured apart; --accept-log takes it",
            )
        options.deviation.append("val_loss and train_time_ms are what the program logged: nothing measured them apart")
        found = {"metric": "train_time_ms", "value": final.train_seconds * 1000}
        metrics["val_loss"] = final.loss
    else:
        losses = validate(options.logs / options.checkpoint, note, options, checks)
        if first_failed(checks) is not None:
            return {}
        checks += validation_records(losses, log, options)
        found = {"metric": "steps_to_target", "value": final.total}
        metrics |= {"val_loss": losses["seen"], "hidden_loss": losses["hidden"]}
    checks.append(record("deviations", True, "; ".join(options.deviation) or "none that the judge knows of"))
    return {"valid": True, **found, "metrics": metrics, "checks": checks, "deviations": options.deviation}


def main() -> int:
    begin = time.monotonic()
    parser = argparse.ArgumentParser(description="Judge a run of the NanoGPT Speedrun.")
    parser.add_argument("--track", type=int, choices=[1, 3], required=True)
    parser.add_argument("--logs", type=Path, required=True, help="holds the log, the note and the state")
    parser.add_argument("--program", type=Path, required=True, help="the program that ran")
    parser.add_argument("--note", default="note.json")
    parser.add_argument("--checkpoint", default="checkpoint.pt")
    parser.add_argument("--data", type=Path, required=True, help="holds seen/ and hidden/")
    parser.add_argument("--tokens", type=int, default=VALIDATION_TOKENS, help="of the validation shard")
    parser.add_argument("--hidden-tokens", type=int, default=VALIDATION_TOKENS)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--layers", type=int, default=Shape.layers)
    parser.add_argument("--width", type=int, default=Shape.width)
    parser.add_argument("--vocabulary", type=int, default=Shape.vocabulary)
    parser.add_argument("--context", type=int, default=Shape.context)
    parser.add_argument("--accept-log", action="store_true", help="track 1: take loss and time from the log")
    parser.add_argument("--untimed-limit", type=float, default=Limits.untimed_seconds)
    parser.add_argument("--validation-limit", type=float, default=Limits.validation_seconds)
    parser.add_argument("--deviation", action="append", default=[], help="from upstream; written into the result")
    parser.add_argument("--seed", type=int, help="not used: nothing is sampled")
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args()
    options.shape = Shape(options.vocabulary, options.layers, options.width, options.context)
    options.limits = Limits(untimed_seconds=options.untimed_limit, validation_seconds=options.validation_limit)
    options.is_small = options.shape != Shape()
    if options.is_small:
        options.deviation.append(f"another model than the rules': {options.shape}")
    if options.tokens != VALIDATION_TOKENS:
        options.deviation.append(f"{options.tokens} tokens are validated of {VALIDATION_TOKENS}")
    for name in ("note/data.json", "data.json"):
        if (options.data / name).is_file():
            options.deviation += json.loads((options.data / name).read_text()).get("deviations", [])
    checks: list[dict] = []
    result, failure = {}, None
    try:
        result = judge(options, checks)
    except HostFailure as found:
        failure = found
    if failure is not None or first_failed(checks) is not None:
        result = refusal(checks, failure) | {"deviations": options.deviation}
    result["judge_seconds"] = round(time.monotonic() - begin, 3)
    write_result(options.result, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
