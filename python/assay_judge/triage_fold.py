"""Works out constants that a program assembles: "sys" + "tem", chr(111), bytes.fromhex("6f73").decode().

Nothing of the program is run: a small fixed set of operations on literals is carried out here, with bounds on size
and steps.
"""

from __future__ import annotations

import ast
import base64
import binascii
import codecs
from collections.abc import Callable, Mapping

LARGEST_VALUE = 200_000
"""Characters, bytes or items of a value that is worked out."""
LARGEST_NUMBER = 2**64
STEPS = 20_000
"""Operations for one expression."""
DEPTH = 60

Constant = str | bytes | int | float | tuple
Lookup = Callable[[str], object]


class Unknown(Exception):
    """The expression is not one of constants."""


TEXT_METHODS = {
    "replace",
    "lower",
    "upper",
    "strip",
    "lstrip",
    "rstrip",
    "title",
    "swapcase",
    "casefold",
    "capitalize",
    "removeprefix",
    "removesuffix",
    "split",
    "format",
    "encode",
    "decode",
    "hex",
    "join",
}
DECODERS: Mapping[str, Callable[..., object]] = {
    "base64.b64decode": base64.b64decode,
    "base64.urlsafe_b64decode": base64.urlsafe_b64decode,
    "base64.b32decode": base64.b32decode,
    "base64.b16decode": base64.b16decode,
    "base64.b85decode": base64.b85decode,
    "base64.a85decode": base64.a85decode,
    "base64.decodebytes": base64.decodebytes,
    "binascii.unhexlify": binascii.unhexlify,
    "binascii.a2b_hex": binascii.unhexlify,
    "binascii.a2b_base64": binascii.a2b_base64,
    "builtins.bytes.fromhex": bytes.fromhex,
}
CODECS = {"rot13", "rot_13", "hex", "hex_codec", "base64", "base64_codec", "utf-8", "utf8", "ascii", "latin-1", "utf_8"}


class Folder:
    """Values of constant expressions.

    lookup: the constant that a name stands for; raises Unknown. dotted: the dotted name of a function, or ''.
    """

    def __init__(self, lookup: Lookup, dotted: Callable[[ast.expr], str]) -> None:
        self._lookup = lookup
        self._dotted = dotted
        self._steps = 0

    def fold(self, node: ast.expr) -> Constant | None:
        """The value, or None if it can't be worked out."""
        self._steps = STEPS
        try:
            return self._value(node, {}, DEPTH)
        except Unknown:
            return None
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, MemoryError, RecursionError):
            return None

    def _value(self, node: ast.expr, local: Mapping[str, object], depth: int) -> object:
        self._steps -= 1
        if self._steps < 0 or depth <= 0:
            raise Unknown
        method = getattr(self, f"_{type(node).__name__}", None)
        if method is None:
            raise Unknown
        value = method(node, local, depth - 1)
        if isinstance(value, (str, bytes, tuple)) and len(value) > LARGEST_VALUE:
            raise Unknown
        if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
            raise Unknown
        return value

    def _Constant(self, node: ast.Constant, local: Mapping[str, object], depth: int) -> object:
        if isinstance(node.value, (str, bytes, int, float)):
            return node.value
        raise Unknown

    def _Name(self, node: ast.Name, local: Mapping[str, object], depth: int) -> object:
        return local[node.id] if node.id in local else self._lookup(node.id)

    def _items(self, node: ast.Tuple | ast.List, local: Mapping[str, object], depth: int) -> object:
        return tuple(self._value(item, local, depth) for item in node.elts)

    _Tuple = _List = _Set = _items

    def _UnaryOp(self, node: ast.UnaryOp, local: Mapping[str, object], depth: int) -> object:
        value = self._value(node.operand, local, depth)
        if isinstance(node.op, ast.USub):
            return -value
        if isinstance(node.op, ast.Invert):
            return ~value
        return value

    def _BinOp(self, node: ast.BinOp, local: Mapping[str, object], depth: int) -> object:
        # A long chain of + leans to the left: a loop, not a recursion for each part.
        chain = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            chain.append(node.right)
            node = node.left
        value = self._value(node, local, depth) if chain else self._operation(node, local, depth)
        for part in reversed(chain):
            value = value + self._value(part, local, depth)
        return value

    def _operation(self, node: ast.BinOp, local: Mapping[str, object], depth: int) -> object:
        left, right = self._value(node.left, local, depth), self._value(node.right, local, depth)
        operator = type(node.op)
        if operator is ast.Mod:
            if isinstance(left, (str, bytes)) and max_width(left) > 1000:
                raise Unknown
            return left % right
        if operator is ast.Mult:
            sizes = [len(side) if isinstance(side, (str, bytes, tuple)) else abs(side) for side in (left, right)]
            is_number = isinstance(left, (int, float)) and isinstance(right, (int, float))
            if not is_number and sizes[0] * sizes[1] > LARGEST_VALUE:
                raise Unknown
            return left * right
        simple = {
            ast.Sub: lambda: left - right,
            ast.BitXor: lambda: left ^ right,
            ast.BitAnd: lambda: left & right,
            ast.BitOr: lambda: left | right,
            ast.FloorDiv: lambda: left // right,
            ast.Div: lambda: left / right,
            ast.RShift: lambda: left >> right,
            ast.LShift: lambda: left << right,
            ast.Pow: lambda: left**right,
        }
        # The bound keeps `9**9**9` from taking for ever.
        if operator not in simple or (operator in (ast.LShift, ast.Pow) and abs(right) > 64):
            raise Unknown
        return simple[operator]()

    def _JoinedStr(self, node: ast.JoinedStr, local: Mapping[str, object], depth: int) -> object:
        parts = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                if part.format_spec is not None:
                    raise Unknown
                parts.append(str(self._value(part.value, local, depth)))
            else:
                parts.append(str(self._value(part, local, depth)))
        return "".join(parts)

    def _Subscript(self, node: ast.Subscript, local: Mapping[str, object], depth: int) -> object:
        value = self._value(node.value, local, depth)
        if isinstance(node.slice, ast.Slice):
            ends = (node.slice.lower, node.slice.upper, node.slice.step)
            return value[slice(*(None if end is None else self._value(end, local, depth) for end in ends))]
        return value[self._value(node.slice, local, depth)]

    def _comprehension(self, node: ast.GeneratorExp | ast.ListComp, local: Mapping[str, object], depth: int) -> object:
        loop = node.generators[0]
        if len(node.generators) > 1 or loop.ifs or not isinstance(loop.target, ast.Name):
            raise Unknown
        items = self._value(loop.iter, local, depth)
        return tuple(self._value(node.elt, {**local, loop.target.id: item}, depth) for item in items)

    _GeneratorExp = _ListComp = _comprehension

    def _Call(self, node: ast.Call, local: Mapping[str, object], depth: int) -> object:
        if any(isinstance(argument, ast.Starred) for argument in node.args) or len(node.keywords) > 2:
            raise Unknown
        name = self._dotted(node.func)
        if name == "builtins.map" and len(node.args) == 2:
            if self._dotted(node.args[0]) != "builtins.chr":
                raise Unknown
            return tuple(chr(item) for item in self._value(node.args[1], local, depth))
        arguments = [self._value(argument, local, depth) for argument in node.args]
        if name in DECODERS:
            return DECODERS[name](*arguments)
        if name == "codecs.decode" and len(arguments) == 2 and arguments[1] in CODECS:
            return codecs.decode(*arguments)
        plain = {
            "builtins.chr": chr,
            "builtins.ord": ord,
            "builtins.str": str,
            "builtins.int": int,
            "builtins.bytes": bytes,
            "builtins.bytearray": bytes,
            "builtins.tuple": tuple,
            "builtins.list": tuple,
            "builtins.len": len,
            "builtins.reversed": lambda value: tuple(reversed(value)),
        }
        if name in plain:
            if name in ("builtins.bytes", "builtins.bytearray") and isinstance(arguments[0], int):
                raise Unknown
            return plain[name](*arguments)
        if isinstance(node.func, ast.Attribute) and node.func.attr in TEXT_METHODS:
            return self._method(node.func, arguments, local, depth)
        raise Unknown

    def _method(self, function: ast.Attribute, arguments: list, local: Mapping[str, object], depth: int) -> object:
        value = self._value(function.value, local, depth)
        if not isinstance(value, (str, bytes)):
            raise Unknown
        if function.attr == "format" and max_width(value) > 1000:
            raise Unknown
        if function.attr == "replace" and len(value) * (len(arguments[1]) + 1) > 10 * LARGEST_VALUE:
            raise Unknown
        if function.attr in ("encode", "decode") and arguments and arguments[0] not in CODECS:
            raise Unknown
        result = getattr(value, function.attr)(*arguments)
        return tuple(result) if isinstance(result, list) else result


def max_width(template: str | bytes) -> int:
    """The largest number in a template: '%999999999d' would make a value of that size."""
    text = template.decode("latin-1") if isinstance(template, bytes) else template
    digits = "".join(character if character.isascii() and character.isdigit() else " " for character in text)
    return max((int(number[:9]) for number in digits.split()), default=0)
