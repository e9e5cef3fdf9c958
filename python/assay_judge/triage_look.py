"""What is worth a look in one Python file: names, own seeds, signs that it looks for its evaluator."""

from __future__ import annotations

import ast

from assay_judge.triage_names import Names
from assay_judge.triage_rules import (
    ATTRIBUTES,
    ENVIRONMENT,
    FORBIDDEN,
    METHODS,
    OPEN_SETTINGS,
    PATH,
    RUN_TIME,
    SEED_KEYWORDS,
    SEED_METHODS,
    SEEDERS,
    SNIFFING,
    STAGE_WORDS,
    TAMPER,
    match,
)

MOST_FINDINGS = 200
"""Of one file."""
GIVEN_TEXT_DEPTH = 2
"""Levels of exec("exec('…')") that are read."""
ENVIRONMENT_READERS = ("get", "setdefault", "pop", "__getitem__", "__contains__")
MUTATORS = ("builtins.setattr", "builtins.delattr", "builtins.object.__setattr__")


class Look:
    """Findings of one tree, as (audit, name, why, line, evidence)."""

    def __init__(self, tree: ast.AST, nodes: list[ast.AST], depth: int = 0) -> None:
        self.findings: list[dict] = []
        self._depth = depth
        self._names = Names(nodes)
        self._seen: set[tuple[str, str]] = set()
        self._explained: set[int] = set()
        self._idle_texts = idle_texts_of(nodes)
        for node in nodes:
            self._visit(node)

    def _report(self, audit: str, name: str, why: str, node: ast.AST) -> None:
        if (audit, name) in self._seen or len(self.findings) >= MOST_FINDINGS:
            return
        self._seen.add((audit, name))
        line = getattr(node, "lineno", 0)
        self.findings.append({"audit": audit, "name": name[:120], "why": why, "line": line})

    def _visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            self._visit_call(node)
        elif isinstance(node, (ast.Name, ast.Attribute)):
            self._visit_name(node)
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, (str, bytes)) and id(node) not in self._idle_texts:
                self._visit_text(node.value, node)
        elif isinstance(node, (ast.BinOp, ast.JoinedStr)):
            self._visit_assembled(node)
        elif isinstance(node, ast.Subscript):
            self._visit_subscript(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._visit_import(node)
        elif isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.For)):
            self._visit_store(node)
        elif isinstance(node, ast.Compare):
            self._visit_compare(node)
        elif isinstance(node, ast.ClassDef):
            self._visit_class(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in METHODS:
            self._report("forbidden-names", node.name, METHODS[node.name], node)

    def _match(self, dotted: str, node: ast.AST) -> None:
        found = match(dotted, FORBIDDEN)
        if found:
            self._report("forbidden-names", *found, node)
        sniffed = match(dotted, SNIFFING)
        if sniffed:
            self._report("evaluator-sniffing", *sniffed, node)

    def _visit_name(self, node: ast.Name | ast.Attribute) -> None:
        if isinstance(node, ast.Attribute):
            why = ATTRIBUTES.get(node.attr)
            if why:
                self._report("forbidden-names", node.attr, why, node)
            # The longest chain says most; what it is made of is part of it.
            self._explained.add(id(node.value))
        if id(node) in self._explained or (isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)):
            return
        for dotted in self._names.resolve(node):
            self._match(dotted, node)
            if dotted == "os.environ":
                self._report("evaluator-sniffing", "os.environ", "the whole environment", node)

    def _visit_import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._match(alias.name, node)
        elif not node.level:
            for alias in node.names:
                self._match(f"{node.module}.{alias.name}", node)

    def _visit_call(self, node: ast.Call) -> None:
        functions = self._names.resolve(node.func)
        for name in self._names.resolve(node):
            self._match(name.removesuffix("()"), node)
        for function in functions:
            self._visit_environment_read(function, node)
            if function in ("builtins.getattr", "builtins.hasattr") and len(node.args) >= 2:
                self._visit_dynamic_attribute(node)
            elif function in MUTATORS and node.args:
                attribute = self._names.text(node.args[1]) if len(node.args) > 1 else None
                self._store_on(node.args[0], attribute or "…", node)
            elif function in ("builtins.exec", "builtins.eval", "builtins.compile") and node.args:
                self._visit_given_text(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "update":
            for base in self._names.resolve(node.func.value):
                if base.endswith(".__dict__"):
                    self._report("forbidden-names", f"{base}.update", TAMPER, node)
        self._visit_seed(node, functions)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("join", "format", "decode", "fromhex"):
            self._visit_assembled(node)

    def _visit_dynamic_attribute(self, node: ast.Call) -> None:
        if self._names.text(node.args[1]) is not None:
            return
        for base in self._names.resolve(node.args[0]):
            if base in DYNAMIC_BASES:
                self._report("forbidden-names", f"getattr({base}, …)", "a name that is made at run time", node)

    def _visit_given_text(self, node: ast.Call) -> None:
        """What exec and eval are given, if it can be worked out, is read like the rest."""
        text = self._names.text(node.args[0])
        if text is None or self._depth >= GIVEN_TEXT_DEPTH:
            return
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        nodes = list(ast.walk(tree))
        for inner in Look(tree, nodes, self._depth + 1).findings:
            place = ast.copy_location(ast.Pass(), node)
            self._report(inner["audit"], inner["name"], f"{inner['why']}, in {RUN_TIME}", place)

    def _visit_environment_read(self, function: str, node: ast.Call) -> None:
        base, _, method = function.rpartition(".")
        if base == "os.environ" and method in ENVIRONMENT_READERS and node.args:
            if isinstance(node.func, ast.Attribute):
                self._explain(node.func)
            if self._names.text(node.args[0]) is None:
                self._report("evaluator-sniffing", "os.environ", "a variable whose name is made at run time", node)

    def _explain(self, node: ast.AST) -> None:
        self._explained.add(id(node))
        if isinstance(node, ast.Attribute):
            self._explained.add(id(node.value))

    def _visit_subscript(self, node: ast.Subscript) -> None:
        bases = self._names.resolve(node.value)
        if "os.environ" in bases:
            key = self._names.text(node.slice)
            self._explained.add(id(node.value))
            if key is None:
                self._report("evaluator-sniffing", "os.environ", "a variable whose name is made at run time", node)
            elif not isinstance(node.ctx, ast.Load) and key.startswith(("ASSAY_", "LD_", "PYTHON")):
                self._report("forbidden-names", f"os.environ[{key!r}]", "a variable that others read is written", node)
        for name in self._names.resolve(node):
            self._match(name, node)
        if not isinstance(node.ctx, ast.Load):
            for base in bases:
                if base.endswith(".__dict__") or base == "sys.modules":
                    self._report("forbidden-names", f"{base}[…] =", TAMPER, node)

    def _visit_store(self, node: ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Delete | ast.For) -> None:
        targets = node.targets if isinstance(node, (ast.Assign, ast.Delete)) else [node.target]
        pending = list(targets)
        while pending:
            target = pending.pop()
            if isinstance(target, (ast.Tuple, ast.List)):
                pending.extend(target.elts)
            elif isinstance(target, ast.Attribute):
                self._store_on(target.value, target.attr, node)

    def _store_on(self, owner: ast.expr, attribute: str, node: ast.AST) -> None:
        """Writes to attributes of what was imported: `time.monotonic = f`, `torch.Tensor.double = f`."""
        for base in self._names.resolve(owner):
            name = f"{base}.{attribute}"
            is_foreign = not base.startswith(("?", "__globals__")) and not base.endswith("()")
            if is_foreign and not name.startswith(OPEN_SETTINGS):
                self._report("forbidden-names", f"{name} =", TAMPER, node)

    def _visit_compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        texts = [side.value for side in sides if isinstance(side, ast.Constant) and isinstance(side.value, str)]
        for group in sides:
            if isinstance(group, (ast.Tuple, ast.List, ast.Set)):
                texts += [i.value for i in group.elts if isinstance(i, ast.Constant) and isinstance(i.value, str)]
        if any(isinstance(side, ast.Name) and side.id in ("__name__", "__file__") for side in sides):
            is_usual = texts == ["__main__"] and isinstance(node.ops[0], ast.Eq) and len(sides) == 2
            if not is_usual:
                self._report("evaluator-sniffing", "__name__", "which program it runs in", node)
        for text in texts:
            if text.lower() in STAGE_WORDS:
                self._report("evaluator-sniffing", f"== {text!r}", "a word for a stage of the evaluation", node)
        if isinstance(node.ops[0], (ast.In, ast.NotIn)) and "os.environ" in self._names.resolve(node.comparators[0]):
            self._explained.add(id(node.comparators[0]))

    def _visit_class(self, node: ast.ClassDef) -> None:
        for base in node.bases:
            for dotted in self._names.resolve(base):
                if dotted in ("torch.Tensor", "torch.nn.Parameter", "numpy.ndarray", "numpy.memmap"):
                    why = "a kind of tensor of its own can compute when it is looked at"
                    self._report("forbidden-names", f"class ({dotted})", why, node)

    def _visit_text(self, value: str | bytes, node: ast.AST) -> None:
        text = value if isinstance(value, str) else value.decode("latin-1")
        if len(text) < 4:
            return
        if "ASSAY_" in text:
            for variable in ENVIRONMENT.findall(text):
                self._report("environment", variable, "a variable of Assay's own", node)
        if text[0] == "/" and PATH.match(text):
            self._report("path", text, "an absolute path", node)
        elif "/proc/" in text:
            self._report("path", "/proc/", "an absolute path", node)
        elif "assay_judge" in text:
            self._report("evaluator-sniffing", "assay_judge", SNIFFING["assay_judge"], node)

    def _visit_assembled(self, node: ast.expr) -> None:
        if id(node) in self._explained:
            return
        inner: ast.expr = node
        while isinstance(inner, ast.BinOp):
            self._explained.add(id(inner.left))
            inner = inner.left
        if isinstance(node, ast.BinOp) and not isinstance(node.op, (ast.Add, ast.Mod, ast.Mult)):
            return
        value = self._names.fold(node)
        if isinstance(value, (str, bytes)):
            self._visit_text(value, node)

    def _visit_seed(self, node: ast.Call, functions: list[str]) -> None:
        name = next((function for function in functions if function in SEEDERS), None)
        if name is None and isinstance(node.func, ast.Attribute) and node.func.attr in SEED_METHODS:
            name = node.func.attr
        values = [node.args[0]] if name and node.args else []
        values += [keyword.value for keyword in node.keywords if keyword.arg in SEED_KEYWORDS]
        for value in values:
            number = self._names.fold(value)
            if type(number) is int:
                called = name or (functions[0] if functions else "a call")
                self._report("own-seeds", f"{called}({number})", "a seed of its own, not the trial's", node)


DYNAMIC_BASES = frozenset(
    {"os", "sys", "time", "builtins", "gc", "inspect", "torch", "numpy", "ctypes", "posix", "importlib", "__globals__"}
)


def idle_texts_of(nodes: list[ast.AST]) -> set[int]:
    """Identities of the constants that stand alone as statements: docstrings and the like."""
    return {id(node.value) for node in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
