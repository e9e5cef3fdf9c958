"""Token models over the pipes of protocol.py: int32 tokens, any vocabulary, losses beside logits.

REQUEST_LOSSES carries inputs and targets, int32 [rows, length] each; the reply is the nats of each target, float32
[rows, length], as a shape with a vocabulary of 1. REQUEST_TOKEN_LOGITS carries inputs; the reply is float32 [rows,
length, vocabulary].
"""

from __future__ import annotations

import numpy as np

from assay_judge.protocol import LOGITS_DTYPE, STATUS_LOGITS, Cost, Peer, WrongShape

REQUEST_LOSSES = 2
REQUEST_TOKEN_LOGITS = 3
TOKEN_DTYPE = np.dtype("<i4")


def payload_size(kind: int, rows: int, length: int) -> int:
    """Bytes that follow the header of a request for losses or logits."""
    return rows * length * TOKEN_DTYPE.itemsize * (2 if kind == REQUEST_LOSSES else 1)


class TokenPeer(Peer):
    """The judge's end of the pipes to autoresearch_host.py."""

    def losses(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, Cost]:
        """int32 [R,T] each; returns float32 [R,T]: nats of each target, as the host says. Raises HostFailure."""
        found, cost = self._ask(REQUEST_LOSSES, np.stack([inputs, targets]), inputs.shape, 1)
        return found[..., 0], cost

    def token_logits(self, inputs: np.ndarray, vocabulary: int) -> tuple[np.ndarray, Cost]:
        """int32 [R,T]; returns float32 [R,T,V]. Raises HostFailure."""
        return self._ask(REQUEST_TOKEN_LOGITS, inputs, inputs.shape, vocabulary)

    def _ask(self, kind: int, tokens: np.ndarray, shape: tuple[int, ...], vocabulary: int) -> tuple[np.ndarray, Cost]:
        rows, length = shape
        request_id, header = self._header(kind, rows, length)
        self._write(header + np.ascontiguousarray(tokens, dtype=TOKEN_DTYPE).tobytes())
        got, cost = self._reply(request_id, STATUS_LOGITS)
        wanted = (rows, length, vocabulary)
        if got != wanted:
            raise WrongShape("invalid-metric", f"the answer has shape {got}, not {wanted}")
        answer = np.empty(wanted, dtype=LOGITS_DTYPE)
        self._read_into(memoryview(answer).cast("B"))
        return answer, cost
