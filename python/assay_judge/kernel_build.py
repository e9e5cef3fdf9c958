"""Compiles C kernels to a shared library, with the flags that a task allows and no others.

    python -P -m assay_judge.kernel_build --source kernels.c --settings settings.py --output <folder>/kernels.so

Nothing of the candidate's runs here: the settings are parsed, not imported, and a compiler runs none of what it
compiles. Every constant in capitals of the settings becomes -DNAME=value; OPTIMIZATION chooses among LEVELS.
Flags that change values are not to be had: the kernels' contract is float32.

Exit code 0: the library is there. 1: the candidate's fault, in words on standard error.
"""

from __future__ import annotations

import argparse
import ast
import math
import os
import re
import subprocess
import sys
from pathlib import Path

COMPILERS = ("/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang")
LEVELS = ("-O1", "-O2", "-O3")
DEFAULT_LEVEL = "-O2"
FIXED_FLAGS = ("-std=gnu11", "-march=native", "-fPIC", "-shared", "-fno-fast-math", "-w", "-pipe")
LARGEST_SETTINGS_BYTES = 20_000
MOST_SETTINGS = 200
LARGEST_LIBRARY_BYTES = 4 << 20
COMPILE_SECONDS = 60.0
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,60}")


class BuildError(Exception):
    """The candidate's files can't be built; the text says why."""


def read_settings(text: str) -> dict[str, int | float | str | bool]:
    """Constants of a settings file by name. Raises BuildError for anything else in it but text in quotes."""
    if len(text) > LARGEST_SETTINGS_BYTES:
        raise BuildError(f"the settings have more than {LARGEST_SETTINGS_BYTES} characters")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BuildError(f"the settings are no Python: {error}") from None
    settings: dict[str, int | float | str | bool] = {}
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            continue
        name, value = _constant(node)
        if name in settings:
            raise BuildError(f"settings line {node.lineno}: {name} is set twice")
        settings[name] = value
    if len(settings) > MOST_SETTINGS:
        raise BuildError(f"there are {len(settings)} settings, more than {MOST_SETTINGS}")
    return settings


def _constant(node: ast.stmt) -> tuple[str, int | float | str | bool]:
    where = f"settings line {node.lineno}"
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, source = node.targets[0], node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target, source = node.target, node.value
    else:
        raise BuildError(f"{where}: only lines such as NAME = 3 are allowed")
    if not isinstance(target, ast.Name) or not _NAME.fullmatch(target.id):
        raise BuildError(f"{where}: a setting is one name in capitals")
    try:
        value = ast.literal_eval(source)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise BuildError(f"{where}: {target.id} is no plain number") from None
    if target.id == "OPTIMIZATION":
        if value not in LEVELS:
            raise BuildError(f"{where}: OPTIMIZATION is one of {', '.join(LEVELS)}")
    elif target.id == "FAST_MATH":
        if value is not False:
            raise BuildError(f"{where}: FAST_MATH is False: the kernels' contract is float32")
    elif type(value) not in (int, float) or not math.isfinite(value):
        raise BuildError(f"{where}: {target.id} is no plain number")
    return target.id, value


def flags_of(settings: dict[str, int | float | str | bool]) -> list[str]:
    """The compiler's flags for these settings."""
    special = ("OPTIMIZATION", "FAST_MATH")
    defines = [f"-D{name}={value!r}" for name, value in sorted(settings.items()) if name not in special]
    return [str(settings.get("OPTIMIZATION", DEFAULT_LEVEL)), *FIXED_FLAGS, *defines]


def find_compiler() -> str:
    """Path of a C compiler. Raises BuildError when there is none."""
    for path in COMPILERS:
        if os.access(path, os.X_OK):
            return path
    raise BuildError("no C compiler is installed: on Debian, apt-get install gcc libc6-dev")


def compile_library(source: Path, output: Path, flags: list[str]) -> None:
    """Compiles one source, next to which its headers lie, to a library. Raises BuildError."""
    if source.is_symlink() or not source.is_file():
        raise BuildError(f"{source.name} is not there, or no plain file")
    compiler = find_compiler()
    command = [compiler, *flags, "-o", str(output), str(source), "-lm"]
    try:
        end = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=COMPILE_SECONDS)
    except subprocess.TimeoutExpired:
        raise BuildError(f"the compiler took longer than {COMPILE_SECONDS:g} s") from None
    if end.returncode != 0:
        raise BuildError("the compiler refuses it:\n" + end.stderr[:6000])
    if output.stat().st_size > LARGEST_LIBRARY_BYTES:
        raise BuildError(f"the library has more than {LARGEST_LIBRARY_BYTES} bytes")
    output.chmod(0o644)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compile a candidate's C kernels.")
    parser.add_argument("--source", type=Path, default=Path("kernels.c"))
    parser.add_argument("--settings", type=Path, default=Path("settings.py"))
    parser.add_argument("--output", type=Path, required=True, help="the library to write")
    options = parser.parse_args()
    try:
        settings = read_settings(options.settings.read_text()) if options.settings.is_file() else {}
        flags = flags_of(settings)
        print("flags:", " ".join(flags))
        compile_library(options.source, options.output, flags)
    except (BuildError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"kernel_build: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
