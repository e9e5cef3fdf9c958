"""Reads the patterns and applies them, as the tests need it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import yaml

TASK = Path(__file__).resolve().parents[1]
STARTS = {"vanilla": TASK / "train.py", "strong": TASK / "starts" / "strong" / "train.py"}
PATTERNS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((TASK / "patterns").glob("*.yaml"))}


def apply(text: str, name: str, *, reverse: bool = False) -> str:
    """Applies one pattern's edits, or takes them back; each text that is looked for must stand there once."""
    for edit in PATTERNS[name]["edits"]:
        find, replace = (edit["replace"], edit["find"]) if reverse else (edit["find"], edit["replace"])
        assert text.count(find) == 1, f"{name}: {text.count(find)} places, not 1, hold\n{find}"
        text = text.replace(find, replace)
    return text


def is_applied(text: str, name: str) -> bool:
    """Whether a start already holds a pattern; fails when it holds a part of it."""
    held = {edit["replace"] in text for edit in PATTERNS[name]["edits"]}
    assert len(held) == 1, f"{name} is there in part"
    return held.pop()


def load_module(path: Path, name: str, text: str | None = None) -> ModuleType:
    """A file of the task as a module; `text` replaces what the file holds."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if text is None:
        spec.loader.exec_module(module)
    else:
        exec(compile(text, str(path), "exec"), module.__dict__)
    return module
