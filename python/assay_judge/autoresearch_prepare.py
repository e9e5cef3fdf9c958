"""Takes the place of `prepare` for a train.py of NanoChat Autoresearch: the same names, meaning and order of data; our
own code.

autoresearch_run.py and autoresearch_host.py put it into sys.modules as `prepare` before the program runs, so the
checkout stays as it is and a candidate's folder cannot bring its own. What differs from upstream's:

- `TIME_BUDGET` is the task's (--time-budget), 300 s unless it says otherwise;
- `evaluate_bpb` first leaves the model's state for the judge, then evaluates. Its number is the program's claim,
  nothing more;
- when a model is to be hosted, the first batch that a loader is asked for ends the program: up to there it has built
  its model.

Runs in the candidate's process, where it can be changed at will: nothing that it records is trusted further than it can
be checked.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from assay_judge import autoresearch_rows as rows
from assay_judge.autoresearch_rows import BOS_TOKEN, MAX_SEQ_LEN, SPECIAL_TOKENS, VOCAB_SIZE

__all__ = [
    "BOS_TOKEN",
    "EVAL_TOKENS",
    "MAX_SEQ_LEN",
    "SPECIAL_TOKENS",
    "TIME_BUDGET",
    "VOCAB_SIZE",
    "Tokenizer",
    "evaluate_bpb",
    "get_token_bytes",
    "make_dataloader",
]

TIME_BUDGET: float = rows.TIME_BUDGET
EVAL_TOKENS = rows.EVAL_TOKENS
VAL_FILENAME = rows.VALIDATION_SHARD
FORMAT = "assay.autoresearch.v1"
TIMELINE_SUFFIX = rows.TIMELINE_SUFFIX


class FirstBatch(BaseException):
    """Ends the program where it would start to train. Not an Exception, so that nobody catches it by accident."""


@dataclass
class Settings:
    """What the launcher says."""

    data: str = ""
    tokenizer: str = ""
    checkpoint: str = ""
    device: str = "cuda"
    is_hosting: bool = False
    handed: list[float] = field(default_factory=list)
    """When each batch of training was handed out, time.monotonic()."""
    tokens: int = 0
    """Of those batches together."""


SETTINGS = Settings()
_now = time.monotonic


def configure(settings: Settings, time_budget: float, eval_tokens: int) -> None:
    """Before the program is run; afterwards this module is its `prepare`."""
    global SETTINGS, TIME_BUDGET, EVAL_TOKENS
    SETTINGS = settings
    TIME_BUDGET = int(time_budget) if time_budget == int(time_budget) else time_budget
    EVAL_TOKENS = eval_tokens
    sys.modules["prepare"] = sys.modules[__name__]


class Tokenizer:
    """Upstream's wrapper of a tiktoken.Encoding."""

    def __init__(self, enc: Any) -> None:
        self.enc = enc
        self.bos_token_id = enc.encode_single_token(BOS_TOKEN)

    @classmethod
    def from_directory(cls, tokenizer_dir: str | None = None) -> Tokenizer:
        return cls(rows.load_encoding(tokenizer_dir or SETTINGS.tokenizer))

    def get_vocab_size(self) -> int:
        return self.enc.n_vocab

    def get_bos_token_id(self) -> int:
        return self.bos_token_id

    def encode(self, text: str | list[str], prepend: int | str | None = None, num_threads: int = 8) -> list:
        """Ids of a text, or a list of them for a list."""
        if not isinstance(text, str | list):
            raise ValueError(f"Invalid input type: {type(text)}")
        many = [text] if isinstance(text, str) else text
        first = self.enc.encode_single_token(prepend) if isinstance(prepend, str) else prepend
        found = [
            [*([] if first is None else [first]), *ids]
            for ids in self.enc.encode_ordinary_batch(many, num_threads=num_threads)
        ]
        return found[0] if isinstance(text, str) else found

    def decode(self, ids: list[int]) -> str:
        return self.enc.decode(ids)


def get_token_bytes(device: str = "cpu") -> torch.Tensor:
    """Bytes of each token, int32 [vocabulary], as token_bytes.pt has them."""
    return torch.load(os.path.join(SETTINGS.tokenizer, "token_bytes.pt"), map_location=device, weights_only=True)


def list_parquet_files() -> list[str]:
    """The shards, in order."""
    names = sorted(name for name in os.listdir(SETTINGS.data) if name.endswith(".parquet"))
    return [os.path.join(SETTINGS.data, name) for name in names]


def make_dataloader(
    tokenizer: Tokenizer, B: int, T: int, split: str, buffer_size: int = rows.BUFFERED_DOCUMENTS
) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
    """Inputs and targets, int64 [B,T] on the device, and the number of the pass, without end.

    Both are used again for the next.
    """
    if split not in ("train", "val"):
        raise AssertionError(split)
    if buffer_size != rows.BUFFERED_DOCUMENTS:
        raise ValueError(f"the buffer holds {rows.BUFFERED_DOCUMENTS} documents")
    return _batches(tokenizer, B, T, split)


def _batches(tokenizer: Tokenizer, B: int, T: int, split: str) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
    if SETTINGS.is_hosting:
        raise FirstBatch
    paths = [path for path in list_parquet_files() if path.endswith(VAL_FILENAME) == (split == "val")]
    assert paths, f"no shards of {split} in {SETTINGS.data}"
    packer = rows.Packer(paths, tokenizer.enc, T + 1)
    is_cuda = SETTINGS.device == "cuda"
    host = torch.empty(2, B, T, dtype=torch.long, pin_memory=is_cuda)
    device = torch.empty(2, B, T, dtype=torch.long, device=SETTINGS.device)
    copied = torch.cuda.Event() if is_cuda else None
    while True:
        packed = torch.tensor([packer.row() for _ in range(B)], dtype=torch.long)
        if copied is not None:
            copied.synchronize()  # the pinned buffer may still be read by the copy before
        host[0].copy_(packed[:, :-1])
        host[1].copy_(packed[:, 1:])
        device.copy_(host, non_blocking=True)
        if copied is not None:
            copied.record()
        if split == "train":
            SETTINGS.handed.append(_now())
            SETTINGS.tokens += B * T
        yield device[0], device[1], packer.epoch


def unwrapped(module: Any) -> Any:
    """The module below torch.compile."""
    while hasattr(module, "_orig_mod"):
        module = module._orig_mod
    return module


def name_of(model: Any) -> str:
    """The variable of the program that holds the model; empty if none does."""
    frame = sys._getframe(1)
    wanted = unwrapped(model)
    while frame is not None:
        for variables in (frame.f_globals, frame.f_locals):
            if frame.f_globals.get("__name__") == "__main__":
                for name, value in list(variables.items()):
                    if isinstance(value, torch.nn.Module) and unwrapped(value) is wanted:
                        return name
        frame = frame.f_back
    return ""


def leave_for_judge(model: Any, batch_size: int) -> None:
    """Writes the model's state, and how it was about to be evaluated, whole or not at all."""
    if not SETTINGS.checkpoint:
        return
    state = {name: one.detach().to("cpu") for name, one in unwrapped(model).state_dict().items()}
    is_mixed = torch.is_autocast_enabled(SETTINGS.device)
    document = {
        "format": FORMAT,
        "state": state,
        "model": name_of(model),
        "training": bool(model.training),
        "autocast": str(torch.get_autocast_dtype(SETTINGS.device)).removeprefix("torch.") if is_mixed else "",
        "batch_size": int(batch_size),
    }
    timeline = {"evaluated_at": _now(), "handed": SETTINGS.handed, "tokens": SETTINGS.tokens}
    temporary = f"{SETTINGS.checkpoint}.tmp"
    torch.save(document, temporary)
    os.replace(temporary, SETTINGS.checkpoint)
    with open(SETTINGS.checkpoint + TIMELINE_SUFFIX, "w") as file:
        json.dump(timeline, file)


@torch.no_grad()
def evaluate_bpb(model: Any, tokenizer: Tokenizer, batch_size: int) -> float:
    """Bits per byte on the validation shard as the program itself sees it:

    nats over ln 2 times bytes, special tokens apart.
    """
    if SETTINGS.is_hosting:
        raise FirstBatch
    leave_for_judge(model, batch_size)
    token_bytes = get_token_bytes(SETTINGS.device)
    loader = make_dataloader(tokenizer, batch_size, MAX_SEQ_LEN, "val")
    nats, counted = 0.0, 0
    for _ in range(EVAL_TOKENS // (batch_size * MAX_SEQ_LEN)):
        x, y, _ = next(loader)
        losses = model(x, y, reduction="none").view(-1)
        sizes = token_bytes[y.view(-1)]
        nats += (losses * (sizes > 0)).sum().item()
        counted += int(sizes.sum().item())
    return nats / (math.log(2) * counted)
