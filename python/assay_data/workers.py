"""Counts words and encodes documents with as many processes as there are cores; the outcome does not depend on them."""

import os
from array import array
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool

from assay_data.byte_pairs import Encoder, Pair, count_words

# Documents that a process takes at once.
CHUNK = 256

encoder: Encoder


def begin(pairs: list[Pair], pattern: str, byte_order: bytes) -> None:
    global encoder
    encoder = Encoder(pairs, pattern, byte_order)


def encoded(texts: list[str]) -> list[array]:
    return [array("H", encoder.encode(text)) for text in texts]


def counted(work: tuple[list[str], str]) -> Counter[bytes]:
    return count_words(*work)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chunks(texts: list[str]) -> Iterator[list[str]]:
    return (texts[start : start + CHUNK] for start in range(0, len(texts), CHUNK))


def count_all(texts: list[str], pattern: str) -> Counter[bytes]:
    total: Counter[bytes] = Counter()
    with Pool(cores()) as pool:
        for counts in pool.imap_unordered(counted, ((chunk, pattern) for chunk in chunks(texts))):
            total.update(counts)
    return total


class Encoders:
    """Processes that encode documents, in their order."""

    def __init__(self, pairs: list[Pair], pattern: str, byte_order: bytes = bytes(range(256))) -> None:
        self._pool = Pool(cores(), begin, (pairs, pattern, byte_order))

    def __enter__(self) -> "Encoders":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.terminate()
        self._pool.join()

    def encode(self, texts: list[str]) -> Iterator[array]:
        """Token ids below 65,536, an array of type 'H' for each document."""
        for arrays in self._pool.imap(encoded, chunks(texts)):
            yield from arrays
