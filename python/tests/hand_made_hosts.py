"""Hand-made model hosts for tests: a thread that answers a judge in the same process, over real pipes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import numpy as np
from assay_judge import protocol
from assay_judge.language_model import judge_or_explain
from assay_judge.protocol import Peer

Answer = Callable[[np.ndarray], np.ndarray]
"""From uint8 [B,T] to float32 logits [B,T,256]."""

Serve = Callable[[int, int], None]
"""From the descriptors of requests and replies; returns when it wants the stream to end."""


def english(size: int, seed: int = 0) -> np.ndarray:
    """Text of random lower-case words, uint8 [size]."""
    generator = np.random.default_rng(seed)
    letters = generator.integers(ord("a"), ord("z") + 1, size=size)
    return np.where(generator.random(size) < 0.2, ord(" "), letters).astype(np.uint8)


def answering(answer: Answer) -> Serve:
    """A host that keeps to the protocol and gets its logits from `answer`."""

    def serve(requests: int, replies: int) -> None:
        while request := read_request(requests):
            request_id, tokens = request
            logits = np.ascontiguousarray(answer(tokens), dtype=np.float32)
            header = protocol.REPLY_HEADER.pack(protocol.REPLY_MAGIC, request_id, 0, *logits.shape)
            protocol.write_all(replies, header + logits.tobytes())

    return serve


def read_request(requests: int) -> tuple[int, np.ndarray] | None:
    """The next request's id and tokens; None at the end of the stream."""
    header = protocol.read_exactly(requests, protocol.REQUEST_HEADER.size)
    if header is None:
        return None
    _, request_id, rows, length = protocol.REQUEST_HEADER.unpack(header)
    text = protocol.read_exactly(requests, rows * length)
    assert text is not None
    return request_id, np.frombuffer(text, dtype=np.uint8).reshape(rows, length)


def judged(serve: Serve, text: np.ndarray, seed: int = 1, timeout: float = 20.0) -> dict:
    """The judge's result for one host on one held-out text of 256 * n + 1 bytes."""
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
    try:
        peer = Peer(requests_out, replies_in, time.monotonic() + timeout)
        return judge_or_explain({"heldout": text}, seed, peer)
    finally:
        os.close(requests_out)
        os.close(replies_in)
        host.join(timeout=5)
        os.close(requests_in)
