"""The .bin shards of modded-nanogpt: 256 little-endian int32 (magic, version, tokens, zeros), then uint16 tokens,
little-endian.

Each document begins with 50256. KellerJordan/modded-nanogpt at f411b3d, train_gpt.py (`_load_data_shard`).
"""

import sys
from array import array
from collections.abc import Iterable
from typing import BinaryIO

MAGIC, VERSION = 20240520, 1
HEADER_INTS = 256
BEGINNING = 50256
SHARD_TOKENS = 100_000_000


def write(target: BinaryIO, tokens: array) -> None:
    """@param tokens of type 'H'."""
    header = array("i", [MAGIC, VERSION, len(tokens)] + [0] * (HEADER_INTS - 3))
    body = tokens
    if sys.byteorder == "big":
        header.byteswap()
        body = tokens[:]
        body.byteswap()
    target.write(header.tobytes())
    target.write(body.tobytes())


def read(content: bytes) -> array:
    header = array("i", content[: 4 * HEADER_INTS])
    tokens = array("H", content[4 * HEADER_INTS :])
    if sys.byteorder == "big":
        header.byteswap()
        tokens.byteswap()
    if header[0] != MAGIC or header[1] != VERSION or header[2] != len(tokens):
        raise ValueError("not a shard of tokens")
    return tokens


def stream(documents: Iterable[Iterable[int]]) -> array:
    tokens = array("H")
    for document in documents:
        tokens.append(BEGINNING)
        tokens.extend(document)
    return tokens
