"""Whether a change of a Python file changes what the program does. Unsure counts as a change."""

from __future__ import annotations

import ast
import re

Difference = set[str] | None
"""Module-level constants whose values differ (none: the programs are the same), or None: something else differs."""

LOOKS_AT_ITSELF = re.compile(
    r"\b(?:__file__|__doc__|__code__|getsource\w*|getcomments|inspect|linecache|co_\w+|tokenize|f_lineno|traceback|warnings)\b"
)
"""Words of programs to which comments, docstrings or line numbers matter."""
LOOKS_AT_ANNOTATIONS = re.compile(
    r"\b(?:__annotations__|get_type_hints|get_annotations|signature|jit|script|triton|pydantic)\b"
)
LOOKS_NAMES_UP = re.compile(
    r"(?<!\.)\b(?:globals|locals|vars|eval|exec|getattr|setattr|hasattr|dir|builtins|importlib|runpy|pickle|ast|tokenize"
    r"|inspect|operator)\b|\b(?:__dict__|__import__|__builtins__|__getattr__|__all__|__file__|attrgetter|getsource\w*)\b"
    r"|\bsys\.modules\b|\bimport\s+__main__\b|\bmodules\["
)
"""Words of programs that may read a constant without naming it."""


def difference(before: ast.Module, after: ast.Module, text: str) -> Difference:
    """How two trees differ, without docstrings and annotations that nothing uses. text: both sources together."""
    same = Same(not LOOKS_AT_ANNOTATIONS.search(text))
    if LOOKS_AT_ITSELF.search(text):
        return None
    left, right = without_docstring(before.body), without_docstring(after.body)
    # A constant that only one side has is a difference like one whose value changed: it matters if something reads it.
    names = constants_of(left) ^ constants_of(right)
    left = [node for node in left if constant_name(node) not in names]
    right = [node for node in right if constant_name(node) not in names]
    if len(left) != len(right):
        return None
    for old, new in zip(left, right, strict=True):
        if same.nodes(old, new):
            continue
        name = constant_name(old)
        if name is None or name != constant_name(new):
            return None
        names.add(name)
    return names


def constants_of(body: list[ast.stmt]) -> set[str]:
    """Names of the module-level constants of a program."""
    return {name for node in body if (name := constant_name(node)) is not None}


def constant_name(node: ast.stmt) -> str | None:
    """NAME of a statement `NAME = literal`."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, value = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target, value = node.target, node.value
    else:
        return None
    is_literal = all(isinstance(part, LITERAL_PARTS) for part in ast.walk(value))
    return target.id if isinstance(target, ast.Name) and is_literal else None


LITERAL_PARTS = (
    ast.Constant,
    ast.UnaryOp,
    ast.BinOp,
    ast.Tuple,
    ast.List,
    ast.Set,
    ast.Dict,
    ast.operator,
    ast.unaryop,
    ast.expr_context,
)


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements that do something: no texts that stand alone, no `pass` beside others."""
    kept = [node for node in body if not is_idle(node)]
    return kept


def is_idle(node: ast.stmt) -> bool:
    if isinstance(node, ast.Pass):
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


class Same:
    """Compares trees, not looking at positions, docstrings and, if they do nothing, annotations."""

    def __init__(self, ignore_annotations: bool) -> None:
        self._ignore = ignore_annotations

    def nodes(self, left: object, right: object, is_plain: bool = True) -> bool:
        """is_plain: within nothing that is decorated or derived, which might read annotations and docstrings."""
        pending = [(left, right, is_plain)]
        while pending:
            one, two, plain = pending.pop()
            if type(one) is not type(two):
                return False
            if isinstance(one, list):
                if len(one) != len(two):
                    return False
                pending.extend(zip(one, two, [plain] * len(one), strict=True))
            elif isinstance(one, ast.AST):
                inner = plain and not getattr(one, "decorator_list", None) and not getattr(one, "bases", None)
                pending.extend((*pair, inner) for pair in self._fields(one, two, inner))
            elif one != two or repr(one) != repr(two):
                # repr tells 1 from 1.0 and True, and -0.0 from 0.0.
                return False
        return True

    def _fields(self, one: ast.AST, two: ast.AST, plain: bool) -> list[tuple[object, object]]:
        has_docstring = isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        pairs = []
        for field in one._fields:
            left, right = getattr(one, field, None), getattr(two, field, None)
            if field in ("type_comment", "kind"):
                continue
            if self._ignore and plain and field in ("annotation", "returns") and not isinstance(one, ast.AnnAssign):
                left, right = (None if is_inert(side) else side for side in (left, right))
            if field == "body" and has_docstring:
                left, right = without_docstring(left), without_docstring(right)
            pairs.append((left, right))
        return pairs


INERT_PARTS = (
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Constant,
    ast.Tuple,
    ast.List,
    ast.BinOp,
    ast.BitOr,
    ast.expr_context,
)


def is_inert(annotation: object) -> bool:
    """Whether an annotation only names types: it calls nothing."""
    return isinstance(annotation, ast.AST) and all(isinstance(part, INERT_PARTS) for part in ast.walk(annotation))


def are_unread(names: set[str], tree: ast.Module, text: str, other_texts: list[str]) -> bool:
    """Whether nothing that can run reads these module-level constants of a file. Unsure: False.

    text: the file's source. other_texts: the other files of the workspace, where no word may be such a name.
    """
    if not names or LOOKS_NAMES_UP.search(text):
        return False
    statements = without_docstring(tree.body)
    if all(isinstance(node, (ast.Import, ast.ImportFrom)) or constant_name(node) for node in statements):
        # A file of constants alone is there to be read by another program.
        return False
    words = re.compile(r"\b(?:" + "|".join(re.escape(name) for name in names) + r")\b")
    if any(words.search(other) for other in other_texts):
        return False
    return not any(reads(node, names) for node in reachable(statements))


def reads(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id in names and not isinstance(node.ctx, ast.Store)
    if isinstance(node, ast.Attribute):
        return node.attr in names
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return any(name in names for name in node.names)
    if isinstance(node, ast.AugAssign):
        return isinstance(node.target, ast.Name) and node.target.id in names
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return any(name in node.value for name in names)
    return False


def reachable(statements: list[ast.stmt]) -> list[ast.AST]:
    """Nodes that can run: not behind `if False`, not after `return`, not in a private function that nothing names."""
    functions = {
        node.name: node
        for node in statements
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_") and not node.decorator_list
    }
    if len(functions) != sum(isinstance(node, ast.FunctionDef) and node.name in functions for node in statements):
        functions = {}
    found: list[ast.AST] = []
    pending: list[ast.AST] = [node for node in live(statements) if functions.get(getattr(node, "name", "")) is not node]
    while pending:
        node = pending.pop()
        found.append(node)
        word = getattr(node, "id", getattr(node, "attr", None))
        if isinstance(word, str) and word in functions:
            pending.append(functions.pop(word))
        for field, value in ast.iter_fields(node):
            if isinstance(value, list):
                pending.extend(live(value) if field in ("body", "orelse", "finalbody") else nodes_of(value))
            elif isinstance(value, ast.AST):
                pending.append(value)
    return found


def nodes_of(values: list) -> list[ast.AST]:
    return [value for value in values if isinstance(value, ast.AST)]


def live(body: list) -> list[ast.AST]:
    """Statements of a block that can run, as far as this is plain to see."""
    kept: list[ast.AST] = []
    for node in body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Constant):
            kept.extend(live(node.body if node.test.value else node.orelse))
            continue
        kept.append(node)
        if isinstance(node, (ast.Return, ast.Raise, ast.Continue, ast.Break)):
            break
    return kept
