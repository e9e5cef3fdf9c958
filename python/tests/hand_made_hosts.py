"""Hand-made model hosts for tests: a thread that answers a judge in the same process, over real pipes."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from assay_judge import protocol
from assay_judge.host_cost import CostLimits
from assay_judge.language_checks import GapLimits
from assay_judge.language_model import Contract, SplitText, judge_or_explain
from assay_judge.plan import BATCH_ROWS, CONTEXT_LENGTH
from assay_judge.protocol import Peer

CHECKPOINT = b"weights"
NO_CANARIES = np.empty(0, np.uint8)
LIMITS = CostLimits(load=0.15, single=0.03, row=0.03, beside=0.02)
GAPS = GapLimits(region=0.3, canary=0.4, split=0.12)

Answer = Callable[[np.ndarray], np.ndarray]
"""From uint8 [B,T] to float32 logits [B,T,256]."""

Serve = Callable[[int, int], None]
"""From the descriptors of requests and replies; returns when it wants the stream to end."""


def english(size: int, seed: int = 0) -> np.ndarray:
    """Text of random lower-case words, uint8 [size]."""
    generator = np.random.default_rng(seed)
    letters = generator.integers(ord("a"), ord("z") + 1, size=size)
    return np.where(generator.random(size) < 0.2, ord(" "), letters).astype(np.uint8)


class Account:
    """What a host says its candidate has cost. A test changes it between answers."""

    def __init__(self) -> None:
        self.cpu_seconds = 0.02
        self.loader_seconds = 0.01
        self.processes = 1
        self.threads = 1
        self.devices = 0

    def pack(self) -> tuple[int, int, int, int, int]:
        """The last fields of a reply's header."""
        return int(self.cpu_seconds * 1e6), int(self.loader_seconds * 1e6), self.processes, self.threads, self.devices


def reply_header(
    request_id: int, status: int, shape: tuple[int, ...] = (0, 0, 0), account: Account | None = None
) -> bytes:
    """A header as an honest host sends it."""
    cost = (account or Account()).pack()
    return protocol.REPLY_HEADER.pack(protocol.REPLY_MAGIC, request_id, status, *shape, *cost)


def loading(serve: Serve) -> Serve:
    """A host that loads the model as it should and then does what `serve` does."""

    def load_then_serve(requests: int, replies: int) -> None:
        header = protocol.read_exactly(requests, protocol.REQUEST_HEADER.size)
        if header is None:
            return  # the judge refused the checkpoint
        _, kind, request_id, size, _ = protocol.REQUEST_HEADER.unpack(header)
        assert kind == protocol.REQUEST_LOAD
        assert protocol.read_exactly(requests, size) == CHECKPOINT
        protocol.write_all(replies, reply_header(request_id, protocol.STATUS_LOADED))
        serve(requests, replies)

    return load_then_serve


def answering(answer: Answer, account: Account | None = None) -> Serve:
    """A host that keeps to the protocol and gets its logits from `answer`."""

    def serve(requests: int, replies: int) -> None:
        while request := read_request(requests):
            request_id, tokens = request
            logits = np.ascontiguousarray(answer(tokens), dtype=np.float32)
            header = reply_header(request_id, protocol.STATUS_LOGITS, logits.shape, account)
            protocol.write_all(replies, header + logits.tobytes())

    return loading(serve)


def read_request(requests: int) -> tuple[int, np.ndarray] | None:
    """The next request's id and tokens; None at the end of the stream."""
    header = protocol.read_exactly(requests, protocol.REQUEST_HEADER.size)
    if header is None:
        return None
    _, _, request_id, rows, length = protocol.REQUEST_HEADER.unpack(header)
    text = protocol.read_exactly(requests, rows * length)
    assert text is not None
    return request_id, np.frombuffer(text, dtype=np.uint8).reshape(rows, length)


def judged(
    serve: Serve,
    text: np.ndarray,
    seed: int = 1,
    timeout: float = 20.0,
    *,
    scored_bytes: int | None = None,
    canaries: np.ndarray = NO_CANARIES,
    hidden: np.ndarray | None = None,
    checkpoint: Path | None = None,
    limits: CostLimits = LIMITS,
    checkpoint_limit: int = 1 << 20,
    context: int = CONTEXT_LENGTH,
    batch_rows: int = BATCH_ROWS,
) -> dict:
    """The judge's result for one host on a held-out text, of which the first 256 * n bytes and one more are scored.

    scored_bytes: default all but one. hidden: also judge this as the hidden text.
    """
    requests_in, requests_out = os.pipe()
    replies_in, replies_out = os.pipe()

    def run() -> None:
        try:
            serve(requests_in, replies_out)
        except BrokenPipeError:
            pass
        finally:
            os.close(replies_out)

    host = threading.Thread(target=run, daemon=True)
    host.start()
    with tempfile.TemporaryDirectory() as folder:
        if checkpoint is None:
            checkpoint = Path(folder) / "checkpoint.pt"
            checkpoint.write_bytes(CHECKPOINT)
        contract = Contract(
            scored_bytes=scored_bytes or len(text) - 1,
            seed=seed,
            checkpoint=checkpoint,
            checkpoint_limit=checkpoint_limit,
            cost=limits,
            gaps=GAPS,
            context=context,
            batch_rows=batch_rows,
        )
        splits = {"heldout": SplitText(text, canaries)}
        if hidden is not None:
            splits["hidden"] = SplitText(hidden, canaries)
        try:
            return judge_or_explain(splits, contract, Peer(requests_out, replies_in, time.monotonic() + timeout))
        finally:
            os.close(requests_out)
            os.close(replies_in)
            host.join(timeout=5)
            os.close(requests_in)
