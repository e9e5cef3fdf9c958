"""Packs files into a .tar.xz: same files, same bytes, whatever their times, owners and order.

    pack.py < plan.json

The plan: {"out": path, "prefix": folder in the archive, "cache": folder, "entries": [{"to", "mode", "from" | "text"}]}.
Answers on standard output with {"bytes", "unpackedBytes", "sha256", "parts": {top folder: unpacked bytes}}.

A large file is an .xz stream of its own, kept in the cache by what went into it: the next archive with the same Node
is made in seconds. Streams one after another are one .xz file (https://tukaani.org/xz/xz-file-format.txt, section 1.2).
"""

import hashlib
import io
import json
import lzma
import os
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO

LARGE_BYTES = 8 * 2**20
CHUNK_BYTES = 2**20
PRESET = 6
# A stream that remembers as much as a large file repeats: code of programs repeats within 32 MiB.
DICTIONARY_BYTES = 32 * 2**20
ELF = b"\x7fELF"
# Part of the key of what is kept: raise it with every change of the compression.
RECIPE = 1


def filters(is_program: bool) -> list[dict[str, int]]:
    lzma2 = {"id": lzma.FILTER_LZMA2, "preset": PRESET, "dict_size": DICTIONARY_BYTES}
    return [{"id": lzma.FILTER_X86}, lzma2] if is_program else [lzma2]


def header(name: str, size: int, mode: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, mode, 0
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def member(prefix: str, entry: dict[str, Any]) -> Iterator[bytes]:
    """Header, content and padding, in pieces."""
    name = f"{prefix}/{entry['to']}"
    source: BinaryIO = io.BytesIO(entry["text"].encode()) if "text" in entry else open(entry["from"], "rb")  # noqa: SIM115
    with source:
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        yield header(name, size, entry["mode"])
        left = size
        while left > 0:
            piece = source.read(min(CHUNK_BYTES, left))
            if not piece:
                raise OSError(f"{entry['from']} became shorter while it was packed")
            left -= len(piece)
            yield piece
        yield b"\0" * (-size % tarfile.BLOCKSIZE)


def size_of(entry: dict[str, Any]) -> int:
    return len(entry["text"].encode()) if "text" in entry else os.stat(entry["from"]).st_size


def large_stream(prefix: str, entry: dict[str, Any], cache: str) -> str:
    """The file with the compressed stream of one member."""
    digest = hashlib.sha256(f"{RECIPE}:{PRESET}:{DICTIONARY_BYTES}:{lzma.__name__}".encode())
    for piece in member(prefix, entry):
        digest.update(piece)
    kept = os.path.join(cache, f"{digest.hexdigest()}.xz")
    if os.path.exists(kept):
        return kept
    with open(entry["from"], "rb") as source:
        is_program = source.read(len(ELF)) == ELF
    os.makedirs(cache, exist_ok=True)
    compressor = lzma.LZMACompressor(filters=filters(is_program))
    descriptor, draft = tempfile.mkstemp(dir=cache)
    try:
        with os.fdopen(descriptor, "wb") as target:
            for piece in member(prefix, entry):
                target.write(compressor.compress(piece))
            target.write(compressor.flush())
        os.replace(draft, kept)
    except BaseException:
        os.unlink(draft)
        raise
    return kept


def pack(plan: dict[str, Any]) -> dict[str, Any]:
    prefix, cache = plan["prefix"], plan["cache"]
    entries = sorted(plan["entries"], key=lambda entry: entry["to"])
    names = [entry["to"] for entry in entries]
    if len(set(names)) != len(names):
        raise ValueError("two entries have one name")
    parts: Counter[str] = Counter()
    for entry in entries:
        parts[entry["to"].split("/", 1)[0]] += size_of(entry)
    large = [entry for entry in entries if "from" in entry and size_of(entry) >= LARGE_BYTES]
    digest, written = hashlib.sha256(), 0
    with open(plan["out"], "wb") as target:

        def write(data: bytes) -> None:
            nonlocal written
            digest.update(data)
            written += len(data)
            target.write(data)

        for entry in large:
            with open(large_stream(prefix, entry, cache), "rb") as stream:
                while piece := stream.read(CHUNK_BYTES):
                    write(piece)
        compressor = lzma.LZMACompressor(filters=filters(False))
        for entry in entries:
            if entry in large:
                continue
            for piece in member(prefix, entry):
                write(compressor.compress(piece))
        write(compressor.compress(b"\0" * (2 * tarfile.BLOCKSIZE)))
        write(compressor.flush())
    return {"bytes": written, "unpackedBytes": sum(parts.values()), "sha256": digest.hexdigest(), "parts": dict(parts)}


if __name__ == "__main__":
    json.dump(pack(json.load(sys.stdin)), sys.stdout)
