"""Data as karpathy/autoresearch at 228791f reads them (prepare.py): the folder that is ~/.cache/autoresearch there."""

import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

from assay_data import parquet
from assay_data.byte_pairs import GPT4_PATTERN, Encoder, Pair, train
from assay_data.documents import Documents
from assay_data.workers import Encoders, count_all
from assay_data.written import OWN_TEXT, Written

VOCABULARY = 8192
SPECIALS = tuple(f"<|reserved_{number}|>" for number in range(4))
VALIDATION_SHARD = 6542
# The last that prepare.py fetches unasked: the adapter keeps it from training, for the judge alone.
HIDDEN_SHARD = 9
EVALUATION_TOKENS = 40 * 524_288
TOKENIZER_CHARACTERS = 10**9
DOCUMENT_CHARACTERS = 10_000
ROWS_IN_GROUP = 1_000
SHARD_CHARACTERS = 250_000_000


def make(documents: Documents, written: Written, most_characters: int) -> dict[str, Any]:
    import torch

    training = documents.texts["training"]
    pairs, read = trained(training, min(most_characters, TOKENIZER_CHARACTERS))
    encoder = Encoder(pairs, GPT4_PATTERN)
    deviations = [
        OWN_TEXT,
        f"the tokenizer was trained on {read} characters of this text, by a program of ours in place of rustbpe",
    ]
    wanted = VOCABULARY - len(SPECIALS) - 256
    if len(pairs) < wanted:
        deviations.append(f"the text gives {len(pairs)} of {wanted} merges: the vocabulary is smaller than upstream's")
    shards = shards_of(training)
    numbers = [number for number in range(len(shards) + 1) if number != HIDDEN_SHARD]
    for number, texts in zip(numbers, shards, strict=False):
        written.file(shard_name(number), parquet_of(texts))
    written.file(shard_name(VALIDATION_SHARD), parquet_of(documents.texts["held-out"]))
    written.file(shard_name(HIDDEN_SHARD), parquet_of(documents.texts["hidden"]))
    first = len(encoder.tokens)
    specials = {name: first + number for number, name in enumerate(SPECIALS)}
    ranks = {token: rank for rank, token in enumerate(encoder.tokens)}
    written.file("tokenizer/tokenizer.pkl", lambda target: target.write(tokenizer_pickle(ranks, specials)))
    sizes = torch.tensor(token_sizes(encoder) + [0] * len(specials), dtype=torch.int32)
    written.file("tokenizer/token_bytes.pt", lambda target: torch.save(sizes, target))
    tokens: dict[str, int] = {}
    with Encoders(pairs, GPT4_PATTERN) as encoders:
        for name in ("held-out", "hidden"):
            texts = documents.texts[name]
            tokens[name] = len(texts) + sum(map(len, encoders.encode(texts)))
            if tokens[name] < EVALUATION_TOKENS:
                deviations.append(
                    f"the {name} shard has {tokens[name]} tokens of the {EVALUATION_TOKENS} that upstream scores"
                )
    return {
        "vocabulary": first + len(specials),
        "tokens": tokens,
        "shards": {
            "training": len(shards),
            "held-out": shard_name(VALIDATION_SHARD),
            "hidden": shard_name(HIDDEN_SHARD),
        },
        "deviations": deviations,
    }


def shard_name(number: int) -> str:
    return f"data/shard_{number:05d}.parquet"


def trained(training: list[str], most_characters: int) -> tuple[list[Pair], int]:
    """Merges from the training documents alone, each capped, and how many characters they were learned from."""
    chosen: list[str] = []
    read = 0
    for text in training:
        if read >= most_characters:
            break
        chosen.append(text[:DOCUMENT_CHARACTERS])
        read += len(chosen[-1])
    return train(count_all(chosen, GPT4_PATTERN), VOCABULARY - len(SPECIALS) - 256), read


def shards_of(texts: list[str]) -> list[list[str]]:
    """Two at least, as many as there are documents at most."""
    total = sum(map(len, texts))
    size = min(SHARD_CHARACTERS, -(-total // 2))
    shards: list[list[str]] = [[]]
    filled = 0
    for text in texts:
        if filled >= size:
            shards.append([])
            filled = 0
        shards[-1].append(text)
        filled += len(text)
    return shards if len(shards) > 1 else [texts[:-1], texts[-1:]]


def parquet_of(texts: list[str]) -> Callable[[BinaryIO], None]:
    return lambda target: parquet.write(target, texts, ROWS_IN_GROUP)


def token_sizes(encoder: Encoder) -> list[int]:
    """Bytes of each token as upstream counts: one that is no UTF-8 by itself decodes to U+FFFD and counts 3 for each.

    Kept for comparability.
    """
    return [len(token.decode("utf-8", "replace").encode("utf-8")) for token in encoder.tokens]


def tokenizer_pickle(ranks: dict[bytes, int], specials: dict[str, int]) -> bytes:
    """A pickled `tiktoken.Encoding`, without tiktoken: its class and what its `__setstate__` takes (0.12, core.py)."""
    state = {"name": "rustbpe", "pat_str": GPT4_PATTERN, "mergeable_ranks": ranks, "special_tokens": specials}
    # Protocol 3 has no frames: after the version's two bytes stands what builds the state, and at the end the stop.
    body = pickle.dumps(state, protocol=3)[2:-1]
    new = pickle.GLOBAL + b"tiktoken.core\nEncoding\n" + pickle.EMPTY_TUPLE + pickle.NEWOBJ
    return pickle.PROTO + b"\x03" + new + body + pickle.BUILD + pickle.STOP
