"""What the task gives to train.py: batches of text. Protected: a candidate may call it, never change it.

Text, count of steps and clock are the judge's (assay_judge/speedrun_train.py), at the other end of two pipes.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor, nn

CONTEXT_LENGTH = 256
"""Bytes in each window: of a batch, and of what the judge shows to the model."""

VOCABULARY = 256
"""Number of symbols: one for each value of a byte."""

BATCH_ROWS = 256
"""Rows of every batch."""

SNAPSHOT_EVERY = 20
"""Steps after which the model goes to the judge. The last step must be one of them."""

MAGIC = b"SR01"
HEADER = struct.Struct("<4sBI")
READY, NEXT, SNAPSHOT, DONE, BATCH = range(5)


def device() -> torch.device:
    """The first GPU if there is one, else the CPU. Looks for its file, so that a process may still fork afterwards."""
    return torch.device("cuda" if Path("/dev/nvidiactl").exists() and torch.version.cuda else "cpu")


def seed() -> int:
    """The trial's seed, chosen by the judge and fresh in each trial."""
    return int(os.environ["ASSAY_SEED"])


def state_of(model: nn.Module) -> bytes:
    """The model as a checkpoint."""
    file = io.BytesIO()
    torch.save({name: value.detach().cpu() for name, value in model.state_dict().items()}, file)
    return file.getvalue()


class Run:
    """The candidate's end of the pipes. What is printed goes to standard error from the first line of this on."""

    def __init__(self, requests: BinaryIO | None = None, replies: BinaryIO | None = None) -> None:
        if requests is None or replies is None:
            requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
            os.dup2(2, 1)
        self._from, self._to = requests, replies

    def batches(self, model: nn.Module, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Starts the clock and gives `steps` batches: inputs and the bytes that follow, int64 [B, CONTEXT_LENGTH].

        `model` goes to the judge before the first one, untrained, and after every SNAPSHOT_EVERY steps.
        """
        if steps % SNAPSHOT_EVERY:
            raise ValueError(f"{steps} steps are no multiple of {SNAPSHOT_EVERY}")
        self._say(READY, state_of(model))
        self._hear()
        for step in range(1, steps + 1):
            self._say(NEXT)
            rows = torch.frombuffer(bytearray(self._hear()), dtype=torch.uint8).view(-1, CONTEXT_LENGTH + 1)
            rows = rows.to(device()).long()
            yield rows[:, :-1], rows[:, 1:]
            if step % SNAPSHOT_EVERY == 0:
                self._say(SNAPSHOT, state_of(model))
        self._say(DONE)

    def _say(self, kind: int, payload: bytes = b"") -> None:
        self._to.write(HEADER.pack(MAGIC, kind, len(payload)) + payload)
        self._to.flush()

    def _hear(self) -> bytes:
        _, _, size = HEADER.unpack(self._from.read(HEADER.size))
        return self._from.read(size)
