"""The data of NanoChat Autoresearch in upstream's formats and order, for the judge and for what stands in for
`prepare`.

Formats, constants and the order of packing are those of karpathy/autoresearch at 228791f, prepare.py. Standard library;
pyarrow where it is there, else the reader of assay_data for files that it wrote.
"""

from __future__ import annotations

import bisect
import os
import pickle
from collections.abc import Iterator
from typing import Any

MAX_SEQ_LEN = 2048
TIME_BUDGET = 300
"""Seconds of training."""
EVAL_TOKENS = 40 * 524288
VOCAB_SIZE = 8192
VALIDATION_SHARD = "shard_06542.parquet"
SPECIAL_TOKENS = tuple(f"<|reserved_{number}|>" for number in range(4))
BOS_TOKEN = SPECIAL_TOKENS[0]
BUFFERED_DOCUMENTS = 1000
DOCUMENTS_AT_ONCE = 128
TIMELINE_SUFFIX = ".timeline.json"
"""Of the file beside the checkpoint that says when batches were handed out."""


def row_groups(path: str) -> Iterator[list[str]]:
    """The column `text` of a Parquet file, a row group at a time."""
    try:
        import pyarrow.parquet
    except ImportError:
        from assay_data.parquet import read

        with open(path, "rb") as file:
            yield from read(file.read())
        return
    file = pyarrow.parquet.ParquetFile(path)
    for group in range(file.num_row_groups):
        yield file.read_row_group(group, columns=["text"]).column("text").to_pylist()


def documents(paths: list[str]) -> Iterator[tuple[list[str], int]]:
    """Batches of documents of the files, again and again, each with the number of the pass, from 1."""
    epoch = 1
    while True:
        found = False
        for path in paths:
            for texts in row_groups(path):
                found = found or bool(texts)
                for at in range(0, len(texts), DOCUMENTS_AT_ONCE):
                    yield texts[at : at + DOCUMENTS_AT_ONCE], epoch
        if not found:
            raise ValueError(f"no documents in {', '.join(paths) or 'no file'}")
        epoch += 1


def load_encoding(folder: str) -> Any:
    """The pickled tiktoken.Encoding of tokenizer.pkl. It is protected data of the task, never a candidate's."""
    with open(os.path.join(folder, "tokenizer.pkl"), "rb") as file:
        return pickle.load(file)


def byte_lengths(encoding: Any) -> list[int]:
    """Bytes of each token as upstream counts them: a token that is no UTF-8 alone is counted as its replacement
    characters.

    Upstream's known defect, kept so that numbers compare; special tokens count nothing.
    """
    texts = [encoding.decode([token]) for token in range(encoding.n_vocab)]
    return [0 if text in SPECIAL_TOKENS else len(text.encode("utf-8")) for text in texts]


class Packer:
    """Rows of `capacity` tokens from documents, each begun by `first`, without padding.

    As upstream packs: the longest buffered document that fits entirely, the earliest of equally long ones; where none
    fits the shortest is cut to fill the row. The buffer is filled up to BUFFERED_DOCUMENTS before each choice.
    """

    def __init__(self, paths: list[str], encoding: Any, capacity: int, threads: int = 8) -> None:
        self.capacity = capacity
        self.epoch = 1
        self._batches = documents(paths)
        self._encoding = encoding
        self._first = encoding.encode_single_token(BOS_TOKEN)
        self._threads = threads
        self._order: list[tuple[int, int]] = []
        """Length and number of each waiting document, sorted."""
        self._waiting: dict[int, list[int]] = {}
        self._count = 0

    def row(self) -> list[int]:
        """The next row."""
        row: list[int] = []
        while len(row) < self.capacity:
            while len(self._order) < BUFFERED_DOCUMENTS:
                self._refill()
            left = self.capacity - len(row)
            place = bisect.bisect_left(self._order, (left + 1, -1)) - 1
            if place >= 0:
                place = bisect.bisect_left(self._order, (self._order[place][0], -1))
            _, number = self._order.pop(max(place, 0))
            row += self._waiting.pop(number)[:left]
        return row

    def _refill(self) -> None:
        texts, self.epoch = next(self._batches)
        for tokens in self._encoding.encode_ordinary_batch(texts, num_threads=self._threads):
            bisect.insort(self._order, (len(tokens) + 1, self._count))
            self._waiting[self._count] = [self._first, *tokens]
            self._count += 1
