"""The patterns as texts and as programs: each comes off again and compiles, and so do all that combine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from assay_judge.kernel_build import compile_library, flags_of, read_settings

TASK = Path(__file__).resolve().parents[1]
PATTERNS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((TASK / "patterns").glob("*.yaml"))}
VANILLA = {name: (TASK / name).read_text() for name in ("kernels.c", "settings.py")}
STRONG = {name: (TASK / "starts" / "strong" / name).read_text() for name in VANILLA}


def apply(files: dict[str, str], name: str, *, reverse: bool = False) -> dict[str, str]:
    changed = dict(files)
    for edit in PATTERNS[name]["edits"]:
        find, replace = (edit["replace"], edit["find"]) if reverse else (edit["find"], edit["replace"])
        assert changed[edit["file"]].count(find) == 1, f"{name}: not one place holds\n{find}"
        changed[edit["file"]] = changed[edit["file"]].replace(find, replace)
    return changed


def compiles(files: dict[str, str], folder: Path) -> None:
    (folder / "kernels.h").write_text((TASK / "kernels.h").read_text())
    (folder / "kernels.c").write_text(files["kernels.c"])
    compile_library(folder / "kernels.c", folder / "kernels.so", flags_of(read_settings(files["settings.py"])))


def test_the_plain_start_is_the_reference():
    assert (TASK / "reference.c").read_text() == VANILLA["kernels.c"]


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_is_complete_comes_off_again_and_compiles(name: str, tmp_path: Path):
    assert set(PATTERNS[name]) == {"id", "title", "kind", "source", "rationale", "predicted_gain", "edits"}
    assert PATTERNS[name]["id"] == name
    changed = apply(VANILLA, name)
    assert changed != VANILLA
    assert apply(changed, name, reverse=True) == VANILLA
    compiles(changed, tmp_path)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_the_strong_start_holds_all_patterns_but_one(tmp_path: Path):
    files = VANILLA
    for name in PATTERNS:
        if name != "product-by-rows":
            files = apply(files, name)
    assert files == STRONG
    compiles(files, tmp_path)
