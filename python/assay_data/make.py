"""Own text as the data of a benchmark.

    make.py autoresearch|speedrun --out FOLDER [--held-out 0.05] [--hidden 0.05] [--tokenizer-characters N] TEXT...

Below FOLDER: `training/` as upstream expects it but without the validation shard, `held-out/` with that shard,
`hidden/` with a second one of the same name that nothing may see before the judge does, and `data.json`: counts,
digests, and the deviations from upstream that belong into every result. Same text and options, same bytes.
"""

import argparse
import hashlib
import json
import os
import pickle
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from assay_data import parquet, token_shard
from assay_data.byte_pairs import GPT2_PATTERN, GPT4_PATTERN, Encoder, Pair, train, words_of
from assay_data.documents import SPLITS, Documents, collect

# karpathy/autoresearch at 228791f, prepare.py.
AUTORESEARCH_VOCABULARY = 8192
AUTORESEARCH_SPECIALS = tuple(f"<|reserved_{number}|>" for number in range(4))
VALIDATION_SHARD = "shard_06542.parquet"
EVALUATION_TOKENS = 40 * 524_288
TOKENIZER_CHARACTERS = 10**9
DOCUMENT_CHARACTERS = 10_000
ROWS_IN_GROUP = 1_000
SHARD_CHARACTERS = 250_000_000
# KellerJordan/modded-nanogpt at f411b3d.
SPEEDRUN_MERGES = 50_000
SPEEDRUN_VALIDATION_TOKENS = 10_485_760
MISSING_TORCH = 6


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("benchmark", choices=["autoresearch", "speedrun"])
    parser.add_argument("--out", required=True)
    parser.add_argument("--held-out", type=float, default=0.05)
    parser.add_argument("--hidden", type=float, default=0.05)
    parser.add_argument("--tokenizer-characters", type=int, default=100_000_000)
    parser.add_argument("text", nargs="+")
    given = parser.parse_args()
    if given.benchmark == "autoresearch":
        try:
            import torch  # noqa: F401
        except ImportError:
            print("token_bytes.pt is written by torch, and this Python has none", file=sys.stderr)
            return MISSING_TORCH
    documents = collect(given.text, given.held_out, given.hidden)
    few = {name: len(texts) for name, texts in documents.texts.items() if len(texts) < 2}
    if few:
        print(f"too little text: {few}, and each part needs two documents or more", file=sys.stderr)
        return 3
    written = Written(given.out)
    make = autoresearch if given.benchmark == "autoresearch" else speedrun
    facts = make(documents, written, given.tokenizer_characters)
    counts = {name: len(texts) for name, texts in documents.texts.items()}
    document = {
        "schema": "assay.data.v1",
        "benchmark": given.benchmark,
        "split": {"by": "SHA-256 of the document", "heldOut": given.held_out, "hidden": given.hidden},
        "documents": counts,
        "characters": {name: sum(map(len, texts)) for name, texts in documents.texts.items()},
        "leftOut": {
            "duplicates": documents.duplicates,
            "notText": documents.not_text,
            "tooShort": documents.too_short,
        },
        **facts,
        "files": written.digests,
    }
    written.file("data.json", lambda target: target.write((json.dumps(document, indent=2) + "\n").encode()))
    print(json.dumps(document))
    return 0


class Written:
    """Files below a folder, with their digests."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.digests: dict[str, str] = {}

    def file(self, name: str, write: Callable[[BinaryIO], Any]) -> None:
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as target:
            write(target)
        with open(path, "rb") as source:
            self.digests[name] = hashlib.file_digest(source, "sha256").hexdigest()


def trained(documents: Documents, pattern: str, merges: int, characters: int, longest: int) -> tuple[list[Pair], int]:
    """Merges from the training documents alone, each capped, until so many characters were read; and how many were."""
    chosen: list[str] = []
    read = 0
    for text in documents.texts["training"]:
        if read >= characters:
            break
        chosen.append(text[:longest])
        read += len(chosen[-1])
    return train((word for text in chosen for word in words_of(text, pattern)), merges), read


def autoresearch(documents: Documents, written: Written, characters: int) -> dict[str, Any]:
    import torch

    merges = AUTORESEARCH_VOCABULARY - len(AUTORESEARCH_SPECIALS) - 256
    most = min(characters, TOKENIZER_CHARACTERS)
    pairs, read = trained(documents, GPT4_PATTERN, merges, most, DOCUMENT_CHARACTERS)
    encoder = Encoder(pairs, GPT4_PATTERN)
    deviations = own_text() + own_tokenizer("rustbpe", read, len(pairs), merges)
    shards = list(shards_of(documents.texts["training"]))
    for number, texts in enumerate(shards):
        written.file(f"training/data/shard_{number:05d}.parquet", parquet_of(texts))
    for name in ("held-out", "hidden"):
        written.file(f"{name}/data/{VALIDATION_SHARD}", parquet_of(documents.texts[name]))
    first = len(encoder.tokens)
    specials = {name: first + number for number, name in enumerate(AUTORESEARCH_SPECIALS)}
    ranks = {token: rank for rank, token in enumerate(encoder.tokens)}
    pickled = tokenizer_pickle(ranks, specials)
    written.file("training/tokenizer/tokenizer.pkl", lambda target: target.write(pickled))
    sizes = torch.tensor(token_sizes(encoder) + [0] * len(specials), dtype=torch.int32)
    written.file("training/tokenizer/token_bytes.pt", lambda target: torch.save(sizes, target))
    tokens = {name: sum(len(encoder.encode(text)) + 1 for text in documents.texts[name]) for name in SPLITS[1:]}
    for name, count in tokens.items():
        if count < EVALUATION_TOKENS:
            deviations.append(
                f"the {name} shard has {count} tokens of the {EVALUATION_TOKENS} that upstream scores:"
                " it is read again and again"
            )
    return {"vocabulary": first + len(specials), "tokens": tokens, "shards": len(shards), "deviations": deviations}


def speedrun(documents: Documents, written: Written, characters: int) -> dict[str, Any]:
    pairs, read = trained(documents, GPT2_PATTERN, SPEEDRUN_MERGES, characters, sys.maxsize)
    encoder = Encoder(pairs, GPT2_PATTERN)
    deviations = own_text() + own_tokenizer("GPT-2", read, len(pairs), SPEEDRUN_MERGES)
    deviations.append("ids 0 to 255 are the bytes in their own order, and a merge's id is its rank: not GPT-2's ids")
    tokens: dict[str, int] = {}
    stream = token_shard.stream(encoder.encode(text) for text in documents.texts["training"])
    tokens["training"] = len(stream)
    # Upstream fetches the second shard ahead, so there are two at least.
    size = min(token_shard.SHARD_TOKENS, -(-len(stream) // 2))
    starts = range(0, len(stream), size)
    for number, start in enumerate(starts, 1):
        part = stream[start : start + size]
        name = f"training/data/fineweb10B/fineweb_train_{number:06d}.bin"
        written.file(name, lambda target, part=part: token_shard.write(target, part))
    for name in ("held-out", "hidden"):
        part = token_shard.stream(encoder.encode(text) for text in documents.texts[name])
        tokens[name] = len(part)
        place = f"{name}/data/fineweb10B/fineweb_val_000000.bin"
        written.file(place, lambda target, part=part: token_shard.write(target, part))
        if len(part) <= SPEEDRUN_VALIDATION_TOKENS:
            deviations.append(
                f"the {name} shard has {len(part)} tokens;"
                f" upstream scores {SPEEDRUN_VALIDATION_TOKENS} and stops on fewer"
            )
    pair_lines = "".join(f"{left} {right}\n" for left, right in pairs)
    written.file("training/tokenizer/merges.txt", lambda target: target.write(pair_lines.encode()))
    return {"vocabulary": 50257, "tokens": tokens, "shards": len(starts), "deviations": deviations}


def own_text() -> list[str]:
    return ["the text is not upstream's: losses compare with baselines on the same data.json alone"]


def own_tokenizer(upstream: str, read: int, merges: int, wanted: int) -> list[str]:
    words = (
        f"the tokenizer is a byte-level BPE of our own, trained on {read} characters of the training text,"
        f" not {upstream}'s"
    )
    return [words] + ([f"the text gives {merges} of {wanted} merges"] if merges < wanted else [])


def shards_of(texts: list[str]) -> list[list[str]]:
    """Two at least: upstream trains its tokenizer on nothing less."""
    total = sum(map(len, texts))
    size = min(SHARD_CHARACTERS, -(-total // 2))
    shards: list[list[str]] = [[]]
    filled = 0
    for text in texts:
        if filled >= size and shards[-1]:
            shards.append([])
            filled = 0
        shards[-1].append(text)
        filled += len(text)
    if len(shards) == 1 and len(texts) > 1:
        shards = [texts[:-1], texts[-1:]]
    return shards


def parquet_of(texts: list[str]) -> Callable[[BinaryIO], None]:
    return lambda target: parquet.write(target, texts, ROWS_IN_GROUP)


def token_sizes(encoder: Encoder) -> list[int]:
    """As upstream counts: a token that is no UTF-8 by itself decodes to U+FFFD and counts 3 bytes for each.

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


if __name__ == "__main__":
    sys.exit(main())
