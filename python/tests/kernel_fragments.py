"""Fragments of C kernels: read, joined to a program, compiled. For tests."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from assay_judge.kernel_build import find_compiler, flags_of

KEYS = ("exploit", "control", "class", "does", "expects", "needs", "trials")


@dataclass(frozen=True)
class Fragment:
    """One fragment; `top`, `end`: C text before and after the program. `files`: further files by name."""

    id: str
    header: dict[str, str]
    top: str = ""
    end: str = ""
    files: dict[str, str] = field(default_factory=dict)


def read_fragment(path: Path) -> Fragment:
    """Raises ValueError for a header or a section that can't be understood."""
    header: dict[str, str] = {}
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in path.read_text().splitlines():
        if line.startswith("// --- "):
            name = line.removeprefix("// --- ").strip()
            if name in sections or (name not in ("top", "end") and not name.startswith("file: ")):
                raise ValueError(f"{path.name}: section {name}")
            current = sections.setdefault(name, [])
        elif current is not None:
            current.append(line)
        else:
            key, colon, value = line.removeprefix("// ").partition(": ")
            if not line.startswith("// ") or not colon or key not in KEYS or key in header:
                raise ValueError(f"{path.name}: header line {line!r}")
            header[key] = value.strip()
    texts = {name: "\n".join(lines) + "\n" for name, lines in sections.items()}
    files = {name.removeprefix("file: "): text for name, text in texts.items() if name.startswith("file: ")}
    return Fragment(path.stem, header, texts.get("top", ""), texts.get("end", ""), files)


def read_fragments(folder: Path) -> list[Fragment]:
    """All fragments of a folder, by id."""
    return [read_fragment(path) for path in sorted(folder.glob("*.c"))]


def compile_fragment(fragment: Fragment, program: str, header: str, folder: Path) -> str | None:
    """Compiles to folder/<id>.so as the judge's build does. The compiler's complaint, or None when it was content."""
    place = folder / fragment.id
    place.mkdir()
    (place / "kernels.h").write_text(header)
    for name, text in fragment.files.items():
        (place / name).write_text(text)
    (place / "kernels.c").write_text(fragment.top + program + fragment.end)
    flags = ["-Wall", "-Wextra", *(flag for flag in flags_of({"OPTIMIZATION": "-O1"}) if flag != "-w")]
    command = [find_compiler(), *flags, "-o", str(folder / f"{fragment.id}.so"), str(place / "kernels.c"), "-lm"]
    end = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
    return end.stderr.strip() or None


def compile_all(fragments: Sequence[Fragment], program: str, header: str, folder: Path) -> dict[str, str]:
    """Compiles all, two at a time. What the compiler said about those it was not content with, by id."""
    with ThreadPoolExecutor(max_workers=2) as workers:
        said = list(workers.map(lambda one: compile_fragment(one, program, header, folder), fragments))
    return {fragment.id: text for fragment, text in zip(fragments, said, strict=True) if text is not None}
