"""Writes a Parquet file with one required string column, plain and uncompressed, and reads such a file back.

Only what https://github.com/apache/parquet-format (README, parquet.thrift of 2.10) asks of the smallest file: magic,
one data page
a row group, the footer in Thrift's compact protocol. Same texts, same bytes.
"""

from collections.abc import Iterator
from typing import BinaryIO

MAGIC = b"PAR1"
COLUMN = "text"
# Thrift's compact types, and Parquet's enums.
I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
BYTE_ARRAY, REQUIRED, UTF8, PLAIN, RLE, DATA_PAGE, UNCOMPRESSED = 6, 0, 0, 0, 3, 0, 0

Value = int | str | list | dict


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encoded(kind: int, value: Value) -> bytes:
    if isinstance(value, dict):
        return struct(value)
    if isinstance(value, list):
        element = value[0][0]
        head = bytes([len(value) << 4 | element]) if len(value) < 15 else bytes([0xF0 | element]) + varint(len(value))
        return head + b"".join(encoded(*each) for each in value)
    if isinstance(value, str):
        return varint(len(value.encode())) + value.encode()
    return varint(value << 1 if value >= 0 else (-value << 1) - 1)


def struct(fields: dict[int, tuple[int, Value]]) -> bytes:
    """Fields in order of their numbers: {number: (type, value)}."""
    out, last = b"", 0
    for number, (kind, value) in sorted(fields.items()):
        out += bytes([(number - last) << 4 | kind]) + encoded(kind, value)
        last = number
    return out + b"\0"


def write(target: BinaryIO, texts: list[str], rows_in_group: int) -> None:
    target.write(MAGIC)
    place = len(MAGIC)
    groups: list[tuple[int, Value]] = []
    for start in range(0, len(texts), rows_in_group):
        rows = [text.encode("utf-8") for text in texts[start : start + rows_in_group]]
        body = b"".join(len(row).to_bytes(4, "little") + row for row in rows)
        levels = {3: (I32, RLE), 4: (I32, RLE)}
        page = {1: (I32, len(rows)), 2: (I32, PLAIN), **levels}
        size = (I32, len(body))
        header = struct({1: (I32, DATA_PAGE), 2: size, 3: size, 5: (STRUCT, page)})
        total = len(header) + len(body)
        column = {
            1: (I32, BYTE_ARRAY),
            2: (LIST, [(I32, PLAIN)]),
            3: (LIST, [(BINARY, COLUMN)]),
            4: (I32, UNCOMPRESSED),
            5: (I64, len(rows)),
            6: (I64, total),
            7: (I64, total),
            9: (I64, place),
        }
        chunk = {2: (I64, place), 3: (STRUCT, column)}
        groups.append((STRUCT, {1: (LIST, [(STRUCT, chunk)]), 2: (I64, total), 3: (I64, len(rows))}))
        target.write(header)
        target.write(body)
        place += total
    root = {4: (BINARY, "schema"), 5: (I32, 1)}
    text = {1: (I32, BYTE_ARRAY), 3: (I32, REQUIRED), 4: (BINARY, COLUMN), 6: (I32, UTF8)}
    schema = [(STRUCT, root), (STRUCT, text)]
    facts = {1: (I32, 1), 2: (LIST, schema), 3: (I64, len(texts)), 4: (LIST, groups), 6: (BINARY, "assay")}
    footer = struct(facts)
    target.write(footer + len(footer).to_bytes(4, "little") + MAGIC)


def read(content: bytes) -> Iterator[list[str]]:
    """The row groups of a file that `write` made."""
    if content[:4] != MAGIC or content[-4:] != MAGIC:
        raise ValueError("not a Parquet file")
    length = int.from_bytes(content[-8:-4], "little")
    facts, _ = parsed(content[-8 - length : -8], 0)
    for group in facts[4]:
        place, count = group[1][0][3][9], group[3]
        _, position = parsed(content, place)
        rows: list[str] = []
        for _ in range(count):
            size = int.from_bytes(content[position : position + 4], "little")
            rows.append(content[position + 4 : position + 4 + size].decode())
            position += 4 + size
        yield rows


def parsed(data: bytes, position: int) -> tuple[dict, int]:
    fields: dict = {}
    number = 0
    while data[position] != 0:
        number += data[position] >> 4
        fields[number], position = value_at(data, position + 1, data[position] & 0x0F)
    return fields, position + 1


def value_at(data: bytes, position: int, kind: int) -> tuple:
    if kind == STRUCT:
        return parsed(data, position)
    if kind == LIST:
        count, element = data[position] >> 4, data[position] & 0x0F
        position += 1
        if count == 15:
            count, position = varint_at(data, position)
        values = []
        for _ in range(count):
            value, position = value_at(data, position, element)
            values.append(value)
        return values, position
    number, position = varint_at(data, position)
    if kind == BINARY:
        return data[position : position + number].decode(), position + number
    return (number >> 1) ^ -(number & 1), position


def varint_at(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
