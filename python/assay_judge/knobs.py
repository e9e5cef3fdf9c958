"""Finds the knobs of Python files: module-level constants in capitals whose value is a literal.

    python3 -I -S knobs.py FILE...          reads the files
    python3 -I -S knobs.py - < frames       reads `<bytes> <name>\\n<source>` frames from standard input

Writes one line of JSON for each file, in order: {"file": …, "constants": […]} or {"file": …, "error": …,
"line": …}. The files are only parsed, never run. Importing `ast` and `json` would double the time this takes
(24 ms instead of 12), so their cores are used directly.
"""

import sys
from _ast import (
    AST,
    Add,
    AnnAssign,
    Assign,
    AsyncFunctionDef,
    AugAssign,
    BinOp,
    ClassDef,
    Constant,
    Delete,
    Div,
    FloorDiv,
    FunctionDef,
    Global,
    Import,
    ImportFrom,
    Lambda,
    List,
    LShift,
    Mod,
    Mult,
    Name,
    Pow,
    PyCF_ONLY_AST,
    Store,
    Sub,
    Tuple,
    UAdd,
    UnaryOp,
    USub,
)

try:
    from _json import encode_basestring_ascii as encode_text
except ImportError:
    from json import dumps as encode_text

if False:  # for type checkers only: importing them takes longer than our work
    from collections.abc import Iterator
    from typing import BinaryIO

LARGEST_INTEGER = 2**53 - 1
"""Beyond it a JSON number is not exact for every reader."""
LARGEST_SOURCE_BYTES = 4_000_000
LARGEST_EXPONENT = 64


class NotALiteral(Exception):
    """The value is not one that a knob can have."""


def evaluate(node: AST) -> "bool | int | float | str":
    """The number, text or truth value of a literal, or of simple arithmetic of numbers."""
    if isinstance(node, Constant):
        if type(node.value) in (bool, int, float, str):
            return node.value
        raise NotALiteral
    if isinstance(node, UnaryOp) and isinstance(node.op, (USub, UAdd)):
        value = number(node.operand)
        return -value if isinstance(node.op, USub) else value
    if isinstance(node, BinOp):
        return calculate(node.op, number(node.left), number(node.right))
    raise NotALiteral


def number(node: AST) -> "int | float":
    value = evaluate(node)
    if type(value) not in (int, float):
        raise NotALiteral
    return value


def calculate(operator: AST, left: "int | float", right: "int | float") -> "int | float":
    try:
        if isinstance(operator, Add):
            return left + right
        if isinstance(operator, Sub):
            return left - right
        if isinstance(operator, Mult):
            return left * right
        if isinstance(operator, Div):
            return left / right
        if isinstance(operator, FloorDiv):
            return left // right
        if isinstance(operator, Mod):
            return left % right
        # The bounds keep `9**9**9` from taking for ever.
        is_small = abs(right) <= LARGEST_EXPONENT and abs(left) <= LARGEST_INTEGER
        if isinstance(operator, (Pow, LShift)) and is_small:
            value = left**right if isinstance(operator, Pow) else left << right
            if type(value) in (int, float):
                return value
    except (ArithmeticError, TypeError, ValueError):
        pass
    raise NotALiteral


def representable(value: "bool | int | float | str") -> bool:
    """Whether the value survives JSON: no infinity, no NaN, no integer beyond 2**53."""
    if type(value) is int:
        return abs(value) <= LARGEST_INTEGER
    if type(value) is float:
        return value - value == 0.0
    return type(value) is bool or not any("\ud800" <= character <= "\udfff" for character in value)


class Source:
    """A file's text, with byte offsets of the parser's (line, column) positions.

    Lines count from 1. Columns are UTF-8 bytes from 0, as in Python's own tree. Offsets count from the start
    of the file, a byte order mark included.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.mark = 3 if data.startswith(b"\xef\xbb\xbf") else 0
        # A carriage return ends a line unless a line feed follows. Not splitlines(): it takes form feeds too.
        ends = data.replace(b"\r\n", b" \n").replace(b"\r", b"\n")
        self.line_starts = [self.mark]
        while (at := ends.find(b"\n", self.line_starts[-1])) >= 0:
            self.line_starts.append(at + 1)

    def offset(self, line: int, column: int) -> int:
        return self.line_starts[line - 1] + column

    def comment_after(self, offset: int) -> str:
        """Text of a comment on the rest of the line; '' if there is none."""
        end = len(self.data)
        for mark in (b"\n", b"\r"):
            at = self.data.find(mark, offset)
            end = at if 0 <= at < end else end
        rest = self.data[offset:end].lstrip(b" \t\x0c)],")
        return rest.lstrip(b"#").decode("utf-8").strip() if rest.startswith(b"#") else ""


def children(node: AST) -> "Iterator[AST]":
    for field in node._fields:
        value = getattr(node, field, None)
        for item in value if isinstance(value, list) else (value,):
            if hasattr(item, "_fields"):
                yield item


def bindings(tree: AST, has_global: bool) -> dict[str, int]:
    """How often each name is bound at module level, wherever it stands: a constant is bound once.

    `has_global`: whether the word `global` occurs at all. If not, the insides of functions need not be read.
    """
    counts: dict[str, int] = {}

    def bind(name: str, times: int = 1) -> None:
        counts[name] = counts.get(name, 0) + times

    pending = [(node, True) for node in tree.body]
    while pending:
        node, outside = pending.pop()
        if isinstance(node, Global):
            for name in node.names:
                bind(name, 2)
        if outside:
            if isinstance(node, (FunctionDef, AsyncFunctionDef, ClassDef)):
                bind(node.name)
            elif isinstance(node, (Import, ImportFrom)):
                for alias in node.names:
                    bind(alias.asname or alias.name.partition(".")[0])
            elif isinstance(node, (AugAssign, Delete)):
                for target in getattr(node, "targets", None) or [node.target]:
                    bind(getattr(target, "id", ""))
            elif isinstance(node, Name) and isinstance(node.ctx, Store):
                bind(node.id)
        inner = outside and not isinstance(node, (FunctionDef, AsyncFunctionDef, ClassDef, Lambda))
        if inner or has_global:
            pending.extend((child, inner) for child in children(node))
    return counts


def is_constant_name(name: str) -> bool:
    has_letter = any(character.isalpha() for character in name)
    return has_letter and name.isascii() and name.upper() == name and name[0] != "_"


def assignments(statement: AST) -> "Iterator[tuple[str, AST]]":
    """(name, value node) pairs of `A = 1`, `A: int = 1` and `A, B = 1, 2`."""
    if isinstance(statement, AnnAssign) and isinstance(statement.target, Name) and statement.value:
        yield statement.target.id, statement.value
    if isinstance(statement, Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
        if isinstance(target, Name):
            yield target.id, value
        elif all(isinstance(side, (Tuple, List)) for side in (target, value)):
            pairs = zip(target.elts, value.elts, strict=True) if len(target.elts) == len(value.elts) else ()
            yield from ((inner.id, item) for inner, item in pairs if isinstance(inner, Name))


def leaves(node: AST, path: tuple[int, ...] = ()) -> list[tuple]:
    """(indices, node, value) of a literal, or of each element of a tuple or list that holds nothing else."""
    if isinstance(node, (Tuple, List)):
        found = []
        for index, item in enumerate(node.elts):
            found.extend(leaves(item, (*path, index)))
        return found
    value = evaluate(node)
    if not representable(value):
        raise NotALiteral
    return [(path, node, value)]


KINDS = {bool: "boolean", int: "integer", float: "float", str: "string"}


def find_constants(data: bytes) -> list[dict]:
    """The knobs of a source (bytes), in order.

    Raises SyntaxError or ValueError if it is not Python in UTF-8.
    """
    if len(data) > LARGEST_SOURCE_BYTES:
        raise ValueError(f"the file has {len(data)} bytes, more than {LARGEST_SOURCE_BYTES}")
    data.decode("utf-8")
    tree = compile(data, "<source>", "exec", PyCF_ONLY_AST, dont_inherit=True)
    source = Source(data)
    bound = bindings(tree, b"global" in data)
    constants = []
    for statement in tree.body:
        for name, node in assignments(statement):
            if not is_constant_name(name) or bound.get(name) != 1:
                continue
            try:
                found = leaves(node)
            except NotALiteral:
                continue
            comment = source.comment_after(source.offset(statement.end_lineno, statement.end_col_offset))
            constants.extend(describe(source, name, comment, *leaf) for leaf in found)
    return constants


def describe(source: Source, name: str, comment: str, path: tuple[int, ...], node: AST, value: object) -> dict:
    start = source.offset(node.lineno, node.col_offset)
    end = source.offset(node.end_lineno, node.end_col_offset)
    return {
        "name": name + "".join(f"[{index}]" for index in path),
        "kind": KINDS[type(value)],
        "value": value,
        "line": node.lineno,
        "column": node.col_offset,
        "start": start,
        "end": end,
        "text": source.data[start:end].decode("utf-8"),
        "comment": comment,
    }


def read_file(file: str, data: bytes) -> dict:
    """What the program writes for one file."""
    try:
        return {"file": file, "constants": find_constants(data)}
    except SyntaxError as error:
        return {"file": file, "error": error.msg or "invalid syntax", "line": error.lineno or 1}
    except UnicodeDecodeError as error:
        return {"file": file, "error": "the file is not UTF-8", "line": data.count(b"\n", 0, error.start) + 1}
    except (ValueError, RecursionError, MemoryError) as error:
        return {"file": file, "error": str(error) or "the file is nested too deeply", "line": 1}


def encode(value: object) -> str:
    """JSON of what `read_file` returns."""
    if isinstance(value, str):
        return encode_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ",".join(f"{encode_text(key)}:{encode(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encode, value)) + "]"
    return repr(value)


def read_frames(stream: "BinaryIO") -> "Iterator[tuple[str, bytes]]":
    while header := stream.readline():
        size, _, name = header.decode("utf-8").rstrip("\n").partition(" ")
        yield name, stream.read(int(size))


def read_bytes(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read()


def main(arguments: list[str]) -> None:
    named = ((name, read_bytes(name)) for name in arguments)
    inputs = read_frames(sys.stdin.buffer) if arguments == ["-"] else named
    for name, data in inputs:
        sys.stdout.write(encode(read_file(name, data)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
