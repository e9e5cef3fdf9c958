"""Which dotted names the expressions of a program stand for, through imports, aliases, getattr and assembled words.

Flow is not followed: a name stands for everything that is ever assigned to it. The program is only parsed.
"""

from __future__ import annotations

import ast
import builtins

from assay_judge.triage_fold import Constant, Folder, Unknown

MOST_MEANINGS = 4
"""Dotted names that one expression may stand for; more are left out."""
DEPTH = 40
ROUNDS = 4
BUILTINS = frozenset(dir(builtins))
NAMESPACES = ("__dict__", "__globals__")


class Names:
    """The names of one file.

    nodes: every node of the tree, outer ones first.
    """

    def __init__(self, nodes: list[ast.AST]) -> None:
        self.modules: set[str] = set()
        """Dotted names of everything that is imported whole."""
        self._meanings: dict[str, list[str]] = {}
        self._constants: dict[str, list[ast.expr]] = {}
        self._bound: set[str] = set()
        self._stars: list[str] = []
        self._folder = Folder(self._constant, lambda node: next(iter(self.resolve(node)), ""))
        self._looking_up: set[str] = set()
        assigned: list[tuple[str, ast.expr]] = []
        for node in nodes:
            self._bind(node, assigned)
        for name, value in assigned:
            self._constants.setdefault(name, []).append(value)
        for _ in range(ROUNDS):
            before = sum(map(len, self._meanings.values()))
            for name, value in assigned:
                self._mean(name, self.resolve(value))
            if sum(map(len, self._meanings.values())) == before:
                break

    def _bind(self, node: ast.AST, assigned: list[tuple[str, ast.expr]]) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.modules.add(alias.name)
                name = alias.asname or alias.name.partition(".")[0]
                self._mean(name, [alias.name if alias.asname else name])
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                if alias.name == "*":
                    self._stars.append(module)
                else:
                    self._mean(alias.asname or alias.name, [f"{module}.{alias.name}"])
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, node.value, assigned)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
            if node.value is not None:
                self._assign(node.target, node.value, assigned)
        elif isinstance(node, ast.withitem):
            if node.optional_vars is not None:
                self._assign(node.optional_vars, node.context_expr, assigned)
        elif isinstance(node, (ast.For, ast.comprehension)):
            if isinstance(node.iter, (ast.Tuple, ast.List)):
                for item in node.iter.elts[:MOST_MEANINGS]:
                    self._assign(node.target, item, assigned)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._bound.add(node.name)
        elif isinstance(node, ast.arguments):
            self._bind_arguments(node, assigned)

    def _bind_arguments(self, node: ast.arguments, assigned: list[tuple[str, ast.expr]]) -> None:
        positional = node.posonlyargs + node.args
        for argument in (*positional, *node.kwonlyargs, node.vararg, node.kwarg):
            if argument is not None:
                self._bound.add(argument.arg)
        defaults = node.defaults
        for argument, default in zip(positional[len(positional) - len(defaults) :], defaults, strict=True):
            assigned.append((argument.arg, default))
        for argument, default in zip(node.kwonlyargs, node.kw_defaults, strict=True):
            if default is not None:
                assigned.append((argument.arg, default))

    def _assign(self, target: ast.expr, value: ast.expr, assigned: list[tuple[str, ast.expr]]) -> None:
        if isinstance(target, ast.Name):
            self._bound.add(target.id)
            assigned.append((target.id, value))
        elif isinstance(target, (ast.Tuple, ast.List)):
            if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
                for inner, item in zip(target.elts, value.elts, strict=True):
                    self._assign(inner, item, assigned)
            else:
                self._bound.update(inner.id for inner in target.elts if isinstance(inner, ast.Name))

    def _mean(self, name: str, meanings: list[str]) -> None:
        known = self._meanings.setdefault(name, [])
        for meaning in meanings:
            # What grows round by round (x = x.y) is cut off.
            if meaning not in known and len(known) < MOST_MEANINGS and len(meaning) < 200:
                known.append(meaning)

    def _constant(self, name: str) -> object:
        values = self._constants.get(name, [])
        if len(values) != 1 or name in self._looking_up:
            raise Unknown
        self._looking_up.add(name)
        try:
            value = self._folder._value(values[0], {}, DEPTH)
        finally:
            self._looking_up.discard(name)
        return value

    def fold(self, node: ast.expr) -> Constant | None:
        """The constant that an expression is worth, or None."""
        return self._folder.fold(node)

    def text(self, node: ast.expr) -> str | None:
        value = self.fold(node)
        return value if isinstance(value, str) else None

    def resolve(self, node: ast.expr, depth: int = DEPTH) -> list[str]:
        """Dotted names of an expression; '?.x' for an attribute of something unknown; none if it is no name at all."""
        if depth <= 0:
            return []
        if isinstance(node, ast.Name):
            return self._resolve_name(node.id)
        if isinstance(node, ast.Attribute):
            bases = self.resolve(node.value, depth - 1)
            return [join(base, node.attr) for base in bases] or [f"?.{node.attr}"]
        if isinstance(node, ast.Call):
            return self._resolve_call(node, depth - 1)
        if isinstance(node, ast.Subscript):
            return self._resolve_subscript(node, depth - 1)
        if isinstance(node, ast.NamedExpr):
            return self.resolve(node.value, depth - 1)
        if isinstance(node, ast.IfExp):
            return (self.resolve(node.body, depth - 1) + self.resolve(node.orelse, depth - 1))[:MOST_MEANINGS]
        if isinstance(node, ast.BoolOp):
            found = [name for value in node.values for name in self.resolve(value, depth - 1)]
            return found[:MOST_MEANINGS]
        return []

    def _resolve_name(self, name: str) -> list[str]:
        known = self._meanings.get(name)
        if known:
            return known
        if name == "__builtins__":
            return ["builtins"]
        if name in self._bound:
            return []
        return [f"builtins.{name}"] if name in BUILTINS else [f"{module}.{name}" for module in self._stars[:2]]

    def _resolve_call(self, node: ast.Call, depth: int) -> list[str]:
        functions = [node.func.body] if isinstance(node.func, ast.Lambda) else None
        if functions is not None:
            return self.resolve(functions[0], depth)
        found: list[str] = []
        for function in self.resolve(node.func, depth):
            found.extend(self._result_of(function, node, depth))
        return found[:MOST_MEANINGS]

    def _result_of(self, function: str, node: ast.Call, depth: int) -> list[str]:
        arguments = node.args
        if function == "builtins.getattr" and len(arguments) >= 2:
            attribute = self.text(arguments[1])
            return [] if attribute is None else [join(b, attribute) for b in self.resolve(arguments[0], depth) or "?"]
        if function in IMPORTERS and arguments:
            module = self.text(arguments[0])
            return [] if module is None else [module]
        if function == "builtins.vars":
            return [f"{base}.__dict__" for base in self.resolve(arguments[0], depth)] if arguments else ["__globals__"]
        if function in ("builtins.globals", "builtins.locals"):
            return ["__globals__"]
        if function in ("functools.partial", "importlib.reload", "builtins.staticmethod") and arguments:
            return self.resolve(arguments[0], depth)
        if function == "operator.attrgetter" and arguments:
            attribute = self.text(arguments[0])
            return [] if attribute is None else [f"attrgetter:{attribute}"]
        if function.startswith("attrgetter:") and arguments:
            return [join(base, function[11:]) for base in self.resolve(arguments[0], depth)]
        base, _, method = function.rpartition(".")
        if method == "__getattribute__" and arguments:
            attribute = self.text(arguments[-1])
            bases = self.resolve(arguments[0], depth) if len(arguments) == 2 else [base]
            return [] if attribute is None else [join(item, attribute) for item in bases]
        if method in ("get", "pop", "__getitem__") and arguments and is_namespace(base):
            key = self.text(arguments[0])
            return [] if key is None else self._entry(base, key)
        return [f"{function}()"]

    def _resolve_subscript(self, node: ast.Subscript, depth: int) -> list[str]:
        if isinstance(node.value, (ast.Tuple, ast.List)):
            index = self.fold(node.slice)
            is_inside = type(index) is int and -len(node.value.elts) <= index < len(node.value.elts)
            return self.resolve(node.value.elts[index], depth) if is_inside else []
        bases = [base for base in self.resolve(node.value, depth) if is_namespace(base)]
        key = self.text(node.slice) if bases else None
        return [] if key is None else [name for base in bases for name in self._entry(base, key)][:MOST_MEANINGS]

    def _entry(self, namespace: str, key: str) -> list[str]:
        if namespace == "sys.modules":
            return [key]
        if namespace == "builtins":
            return [f"builtins.{key}"]
        if namespace == "__globals__":
            return ["builtins"] if key == "__builtins__" else self._resolve_name(key)
        return [join(namespace.removesuffix(".__dict__"), key)]


IMPORTERS = frozenset(
    {"builtins.__import__", "importlib.import_module", "importlib.__import__", "importlib._bootstrap._gcd_import"}
)


def is_namespace(name: str) -> bool:
    return name in ("sys.modules", "__globals__", "builtins") or name.endswith(NAMESPACES)


def join(base: str, attribute: str) -> str:
    return f"{base}.{attribute}"
