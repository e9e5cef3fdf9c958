"""The judge of NanoChat Autoresearch: bits per byte on the validation shard, measured apart from the program that
trained.

    python -P -m assay_judge.autoresearch_judge --data <folder> --seed <secret> --checkpoint <file> --result <file>

Trusted: numpy and tiktoken (and pyarrow for upstream's shards), never runs candidate code. It packs the rows itself, in
upstream's order (autoresearch_rows.py), and counts bytes by the tokenizer itself, not by a table that a file holds. A
host in another sandbox (autoresearch_host.py) runs the model. 20 million tokens by 8192 logits are too many for a pipe,
so

1. the host answers each batch, in an order drawn from the judge's secret, with the nats of each target, and so commits
   itself;
2. the first batch is asked again at the end: a model that learns from what it is shown answers otherwise;
3. a second, fresh host with the same state gets random rows, mixed anew, and answers with all logits. The judge
   computes their nats itself, in float64, and they must be those of 1. It then gets the same rows with other text after
   a random place: the logits before it must stay. What a row's answer owes to later tokens, to its batch or to rows
   before it fails here, and so does a loss that no distribution over the vocabulary has.

A share f of rows with wrong losses escapes n audited rows with probability (1 - f)^n. The result file is that of
language_model.py.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge.autoresearch_protocol import TokenPeer
from assay_judge.autoresearch_rows import (
    EVAL_TOKENS,
    MAX_SEQ_LEN,
    TIME_BUDGET,
    TIMELINE_SUFFIX,
    Packer,
    byte_lengths,
    load_encoding,
)
from assay_judge.checkpoint_file import CheckpointFile, read_checkpoint
from assay_judge.language_checks import record
from assay_judge.language_model import checkpoint_records, first_failed, refusal, write_result
from assay_judge.protocol import HostFailure

SPLITS = {"seen": "val_bpb", "hidden": "hidden_bpb"}
"""Folders of the data, and the metric of each."""
LONGEST_TIMELINE = 16 << 20
"""Bytes."""


@dataclass(frozen=True)
class Limits:
    """What an honest model keeps. Nats are per token."""

    mean_nats: float = 2e-3
    """Between two answers to the same text, on average over the rows compared: kernels round, 16-bit logits most."""
    token_nats: float = 0.5
    """For the one token that differs most."""
    floor: float = 0.3
    """Bits per byte; no model is better."""
    split_gap: float = 0.25
    """Bits per byte that the hidden split may be worse."""
    load_seconds: float = 90.0
    row_seconds: float = 0.1
    """On average, of wall time, as seen from here."""
    free_tokens: float = 16e6
    """Training tokens handed out before the last `budget` seconds of training: eleven steps are not timed."""
    train_seconds: float = 240.0
    """From the first batch to the evaluation, beside the budget: compiling and the steps that are not timed."""


@dataclass(frozen=True)
class Rows:
    """A split, packed. inputs, targets: int32 [N,T]; sizes: int32 [N,T], bytes of each target."""

    inputs: np.ndarray
    targets: np.ndarray
    sizes: np.ndarray


@dataclass
class Difference:
    """Between answers that should be equal, in nats per token."""

    rows: int = 0
    means: list[float] = field(default_factory=list)
    signed: list[float] = field(default_factory=list)
    largest: float = 0.0

    def add(self, left: np.ndarray, right: np.ndarray) -> None:
        """Two float arrays [T]."""
        gap = left.astype(np.float64) - right
        self.rows += 1
        self.means.append(float(np.abs(gap).mean()))
        self.signed.append(float(gap.mean()))
        self.largest = max(self.largest, float(np.abs(gap).max()))

    def is_small(self, limits: Limits) -> bool:
        """False if nothing was compared. Rounding has no direction: the signed mean must be smaller still."""
        if not self.rows:
            return False
        drift = abs(float(np.mean(self.signed)))
        each = max(abs(one) for one in self.signed)
        return drift <= limits.mean_nats and each <= 10 * limits.mean_nats and self.largest <= limits.token_nats

    def words(self) -> str:
        """For people."""
        if not self.rows:
            return "nothing compared"
        return (
            f"{self.rows} rows, mean {np.mean(self.signed):+.1e} (absolute {np.mean(self.means):.1e}), "
            f"largest {self.largest:.2e} nats"
        )


def pack(paths: list[str], encoding: object, tokens: int, length: int) -> Rows:
    """The first `tokens` targets of a split, in upstream's order."""
    packer = Packer(paths, encoding, length + 1)
    packed = np.array([packer.row() for _ in range(tokens // length)], dtype=np.int32)
    sizes = np.array(byte_lengths(encoding), dtype=np.int32)
    targets = np.ascontiguousarray(packed[:, 1:])
    return Rows(np.ascontiguousarray(packed[:, :-1]), targets, sizes[targets])


def nats_of(logits: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, float]:
    """Nats of each target from logits, float32 [T,V] and int32 [T] -> float64 [T], and how far sums are from 1."""
    top = logits.max(axis=1, keepdims=True)
    total = np.exp(logits - top).sum(axis=1, dtype=np.float64)
    chosen = np.take_along_axis(logits, targets[:, None].astype(np.int64), axis=1)[:, 0].astype(np.float64)
    place = len(targets) // 2
    exact = logits[place].astype(np.float64) - top[place] - math.log(total[place])
    return np.log(total) + top[:, 0] - chosen, abs(float(np.exp(exact).sum()) - 1)


class Judging:
    """One trial: its splits, the peer, what was measured."""

    def __init__(self, splits: dict[str, Rows], peer: TokenPeer, limits: Limits, seed: int, batch: int) -> None:
        self.splits = splits
        self.peer = peer
        self.limits = limits
        self.batch = batch
        self.random = np.random.default_rng(seed)
        self.threads = ThreadPoolExecutor(os.cpu_count())
        self.nats = {name: np.full(rows.targets.shape, np.nan, dtype=np.float32) for name, rows in splits.items()}
        self.times = {name: np.zeros(len(rows.targets), dtype=int) for name, rows in splits.items()}
        self.late, self.audited, self.causal = Difference(), Difference(), Difference()
        self.normalisation = 0.0
        self.load_seconds: list[float] = []
        self.answer_seconds = 0.0
        self.answered_rows = 0

    def load(self, checkpoint: bytes) -> None:
        """Starts a fresh host with the state."""
        begin = time.monotonic()
        self.peer.load(checkpoint)
        self.load_seconds.append(time.monotonic() - begin)

    def losses(self, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        begin = time.monotonic()
        found, _ = self.peer.losses(inputs, targets)
        self.answer_seconds += time.monotonic() - begin
        self.answered_rows += len(inputs)
        return found

    def score(self) -> None:
        """Every row once, in a secret order, the rows of both splits mixed; then the first batch again."""
        places = [(name, row) for name, rows in self.splits.items() for row in range(len(rows.targets))]
        order = self.random.permutation(len(places))
        batches = [[places[index] for index in order[at : at + self.batch]] for at in range(0, len(order), self.batch)]
        for batch in batches:
            found = self.losses(*self.rows_of(batch))
            for (name, row), nats in zip(batch, found, strict=False):
                self.nats[name][row] = nats
                self.times[name][row] += 1
        again = self.losses(*self.rows_of(batches[0]))
        for (name, row), nats in zip(batches[0], again, strict=False):
            self.late.add(nats, self.nats[name][row])

    def rows_of(self, batch: list[tuple[str, int]]) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of some rows, filled up with their first to a full batch: kernels depend on its size."""
        full = [*batch, *batch[:1] * (self.batch - len(batch))]
        inputs = np.stack([self.splits[name].inputs[row] for name, row in full])
        return inputs, np.stack([self.splits[name].targets[row] for name, row in full])

    def audit(self, batches: int, vocabulary: int) -> None:
        """Random rows by their logits, then the same with other text after a random place."""
        places = [(name, row) for name, rows in self.splits.items() for row in range(len(rows.targets))]
        length = next(iter(self.splits.values())).inputs.shape[1]
        for number in range(batches):
            chosen = [places[index] for index in self.random.choice(len(places), size=self.batch)]
            inputs, targets = self.rows_of(chosen)
            logits, _ = self.peer.token_logits(inputs, vocabulary)
            before = []
            found = self.threads.map(nats_of, logits, targets)
            for (name, row), (nats, error) in zip(chosen, found, strict=True):
                self.normalisation = max(self.normalisation, error)
                self.audited.add(nats, self.nats[name][row])
                before.append(nats)
            del logits
            if number % 2:
                continue
            changed, keeps = inputs.copy(), self.random.integers(2, length, size=self.batch)
            for row, keep in enumerate(keeps):
                other = self.splits[chosen[row][0]].inputs[
                    self.random.integers(len(self.splits[chosen[row][0]].inputs))
                ]
                changed[row, keep:] = other[keep:]
                if changed[row, keep] == inputs[row, keep]:
                    changed[row, keep] = (inputs[row, keep] + 1) % vocabulary
            logits, _ = self.peer.token_logits(changed, vocabulary)
            heads = [(logits[row, :keep], targets[row, :keep]) for row, keep in enumerate(keeps)]
            for row, (nats, _) in enumerate(self.threads.map(nats_of, *zip(*heads, strict=True))):
                self.causal.add(nats, before[row][: keeps[row]])

    def bits_per_byte(self, name: str) -> float:
        """Upstream's number: nats of tokens that have bytes, over ln 2 times all bytes."""
        sizes = self.splits[name].sizes
        return float(self.nats[name][sizes > 0].sum(dtype=np.float64) / (math.log(2) * int(sizes.sum())))

    def records(self) -> list[dict]:
        """The checks of what was measured."""
        limits = self.limits
        scores = {name: self.bits_per_byte(name) for name in self.splits}
        wanted = sum(rows.targets.size for rows in self.splits.values())
        counted = sum(int(times.sum()) * self.splits[name].targets.shape[1] for name, times in self.times.items())
        once = all((times == 1).all() for times in self.times.values())
        row = self.answer_seconds / max(1, self.answered_rows)
        found = [
            record(
                "tokens-scored", once and counted == wanted, f"{counted} tokens, {wanted} wanted, each once: {once}"
            ),
            record("finite", True, f"{wanted} losses, all finite"),
            record("statelessness", self.late.is_small(limits), f"first batch again at the end: {self.late.words()}"),
            record(
                "logits-recomputed",
                self.audited.is_small(limits),
                f"from logits of a fresh host in other batches: {self.audited.words()}",
            ),
            record("causality", self.causal.is_small(limits), f"other text after a place: {self.causal.words()}"),
            record(
                "normalised",
                bool(self.audited.rows) and self.normalisation < 1e-4,
                f"probabilities sum to 1 within {self.normalisation:.1e}",
            ),
            record(
                "plausible",
                min(scores.values()) >= limits.floor,
                f"{', '.join(f'{name} {bits:.4f}' for name, bits in scores.items())}, floor {limits.floor:g}",
            ),
            record(
                "untimed-load",
                max(self.load_seconds) <= limits.load_seconds,
                f"{', '.join(f'{one:.1f}' for one in self.load_seconds)} s, allowed {limits.load_seconds:g} s each",
            ),
            record(
                "scoring-work",
                row <= limits.row_seconds,
                f"{self.answered_rows} rows, {row * 1e3:.1f} ms each, allowed {limits.row_seconds * 1e3:g} ms",
            ),
        ]
        if "hidden" in scores and "seen" in scores:
            gap = scores["hidden"] - scores["seen"]
            words = f"hidden less validation {gap:+.4f} bits per byte, allowed {limits.split_gap:g}"
            found.append(record("hidden-split", gap <= limits.split_gap, words))
        return found


def judge(judging: Judging, checkpoint_path: Path, limit: int, options: argparse.Namespace, checks: list[dict]) -> dict:
    """Scores and checks into `checks`. Raises HostFailure; a check that fails is in `checks`."""
    checkpoint = read_checkpoint(checkpoint_path, limit)
    checks += checkpoint_records(checkpoint, limit)
    if checkpoint.problem and not checkpoint.is_hostile:
        raise HostFailure("crash", f"the training run left no checkpoint: {checkpoint.problem}")
    if first_failed(checks) is not None:
        return {}
    checks += timeline_records(checkpoint, options.time_budget, judging.limits)
    judging.load(checkpoint.content)
    judging.score()
    if not all(np.isfinite(nats).all() for nats in judging.nats.values()):
        checks.append(record("finite", False, "a loss is not finite"))
        raise HostFailure("invalid-metric", "a loss is not finite")
    judging.load(checkpoint.content)
    judging.audit(options.audit_batches, options.vocabulary)
    checks += judging.records()
    checks.append(weights_record(checkpoint, limit))
    judging.peer.expect_silence()
    checks.append(record("protocol", True, f"{judging.answered_rows} rows answered as asked, and silence after"))
    checks.append(record("deviations", True, "; ".join(options.deviation) or "none that the judge knows of"))
    metrics = {SPLITS[name]: judging.bits_per_byte(name) for name in judging.splits}
    metrics |= {
        "tokens_scored": sum(rows.targets.size for rows in judging.splits.values()),
        "bytes_scored": sum(int(rows.sizes.sum()) for rows in judging.splits.values()),
        "rows_audited": judging.audited.rows,
        "checkpoint_bytes": checkpoint.size,
    }
    return {
        "valid": True,
        "metric": "val_bpb",
        "value": metrics["val_bpb"],
        "metrics": metrics,
        "checks": checks,
        "deviations": options.deviation,
    }


def timeline_records(checkpoint: CheckpointFile, budget: float, limits: Limits) -> list[dict]:
    """What our `prepare` noted of the run, in the candidate's process.

    It can be forged, so it proves nothing; it can refuse.
    """
    noted = read_checkpoint(checkpoint.path.with_name(checkpoint.path.name + TIMELINE_SUFFIX), LONGEST_TIMELINE)
    try:
        document = json.loads(noted.content)
        handed = [float(one) for one in document["handed"]]
        end, tokens = float(document["evaluated_at"]), int(document["tokens"])
    except (ValueError, KeyError, TypeError) as error:
        words = noted.problem or type(error).__name__
        return [record("train-clock", False, f"the note beside the checkpoint is not what prepare leaves: {words}")]
    if not handed:
        return [record("train-clock", False, "the program asked for no batch of training")]
    seconds = end - handed[0]
    each = tokens / len(handed)
    before = each * sum(one < end - 1.02 * budget - 2 for one in handed)
    return [
        record(
            "train-clock",
            0 <= seconds <= budget + limits.train_seconds,
            f"{seconds:.1f} s from the first batch to the evaluation, budget {budget:g} s and {limits.train_seconds:g} "
            "s for compiling and the steps that are not timed",
        ),
        record(
            "free-steps",
            before <= limits.free_tokens,
            f"{before / 1e6:.2f} of {tokens / 1e6:.1f} million tokens before the last {budget:g} s, "
            f"allowed {limits.free_tokens / 1e6:g}",
        ),
    ]


def weights_record(checkpoint: CheckpointFile, limit: int) -> dict:
    """The file is what it was; both hosts got the same bytes."""
    after = read_checkpoint(checkpoint.path, limit)
    same = after.content == checkpoint.content
    return record("weights-unchanged", same, f"sha256 {checkpoint.digest()[:16]} before, {after.digest()[:16]} after")


def known_deviations(options: argparse.Namespace) -> list[str]:
    """What is not upstream's: by options, by the task's substitutes, and what made the data says."""
    found = list(options.deviation)
    for name in filter(None, os.environ.get("ASSAY_SUBSTITUTES", "").split(",")):
        found.append(f"a substitute stands in for the package {name}")
    if options.tokens != EVAL_TOKENS:
        found.append(f"{options.tokens} tokens are scored of upstream's {EVAL_TOKENS}")
    if options.time_budget != TIME_BUDGET:
        found.append(f"{options.time_budget:g} s of training in place of {TIME_BUDGET}")
    if options.length != MAX_SEQ_LEN:
        found.append(f"rows of {options.length} tokens in place of {MAX_SEQ_LEN}")
    note = options.data / "data.json"
    if note.is_file():
        found += [str(one) for one in json.loads(note.read_text()).get("deviations", [])]
    found.append("prepare is our own, of the same meaning; seeds of the program are mixed with the trial's")
    return found


def main() -> int:
    started = time.monotonic()
    parser = argparse.ArgumentParser(description="Score a model of NanoChat Autoresearch.")
    parser.add_argument("--data", type=Path, required=True, help="holds seen/, hidden/ and tokenizer/")
    parser.add_argument("--split", default="seen,hidden", help="seen, or seen,hidden")
    parser.add_argument("--validation", default="shard_06542.parquet", help="the shard of `seen` that is scored")
    parser.add_argument("--tokens", type=int, default=EVAL_TOKENS, help="of each split")
    parser.add_argument("--length", type=int, default=MAX_SEQ_LEN, help="tokens in a row")
    parser.add_argument("--rows", type=int, default=8, help="rows of a batch")
    parser.add_argument("--audit-batches", type=int, default=4)
    parser.add_argument("--time-budget", type=float, default=TIME_BUDGET, help="what the program was told")
    parser.add_argument("--deviation", action="append", default=[], help="from upstream; written into the result")
    parser.add_argument("--seed", type=int, required=True, help="secret: order and audited rows come from it")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--checkpoint-limit", type=int, default=4 << 30, help="bytes")
    parser.add_argument("--mean-nats", type=float, default=Limits.mean_nats)
    parser.add_argument("--token-nats", type=float, default=Limits.token_nats)
    parser.add_argument("--floor", type=float, default=Limits.floor)
    parser.add_argument("--split-gap", type=float, default=Limits.split_gap)
    parser.add_argument("--free-tokens", type=float, default=Limits.free_tokens)
    parser.add_argument("--train-seconds", type=float, default=Limits.train_seconds)
    parser.add_argument("--load-limit", type=float, default=Limits.load_seconds)
    parser.add_argument("--row-limit", type=float, default=Limits.row_seconds)
    parser.add_argument("--timeout", type=float, default=540.0, help="seconds for everything")
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args()
    if options.tokens < options.length * options.rows or options.tokens % options.length:
        parser.error("--tokens is a multiple of --length, a batch at least")

    encoding = load_encoding(str(options.data / "tokenizer"))
    options.vocabulary = encoding.n_vocab
    options.deviation = known_deviations(options)
    splits = {}
    for name in options.split.split(","):
        folder = options.data / name
        paths = [folder / options.validation] if name == "seen" else sorted(folder.glob("*.parquet"))
        if not paths or not paths[0].is_file():
            sys.stderr.write(f"autoresearch_judge: no shard of the split '{name}' in {folder}\n")
            return 2
        splits[name] = pack([str(path) for path in paths], encoding, options.tokens, options.length)
    descriptors = int(os.environ["ASSAY_PEER_OUT_FD"]), int(os.environ["ASSAY_PEER_IN_FD"])
    peer = TokenPeer(*descriptors, deadline=started + options.timeout)
    limits = Limits(
        mean_nats=options.mean_nats,
        token_nats=options.token_nats,
        floor=options.floor,
        split_gap=options.split_gap,
        load_seconds=options.load_limit,
        row_seconds=options.row_limit,
        free_tokens=options.free_tokens,
        train_seconds=options.train_seconds,
    )
    judging = Judging(splits, peer, limits, options.seed, options.rows)
    checks: list[dict] = []
    result, failure = {}, None
    try:
        result = judge(judging, options.checkpoint, options.checkpoint_limit, options, checks)
    except HostFailure as found:
        failure = found
    if failure is not None or first_failed(checks) is not None:
        result = refusal(checks, failure) | {"deviations": options.deviation}
    result["judge_seconds"] = round(time.monotonic() - started, 3)
    write_result(options.result, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
