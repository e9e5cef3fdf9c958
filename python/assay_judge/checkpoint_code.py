"""Finds what a checkpoint would run when it is unpickled, without unpickling it."""

from __future__ import annotations

import io
import pickletools
import zipfile

LARGEST_PICKLE = 4 << 20
"""Bytes of one pickle that are looked at."""

RUNS_CODE = frozenset(
    {
        "os",
        "posix",
        "nt",
        "subprocess",
        "pty",
        "sys",
        "builtins",
        "__builtin__",
        "importlib",
        "runpy",
        "ctypes",
        "socket",
        "code",
        "codeop",
        "shutil",
        "pdb",
        "timeit",
        "types",
        "marshal",
        "commands",
        "webbrowser",
        "asyncio",
        "multiprocessing",
        "threading",
        "signal",
        "operator",
        "functools",
    }
)
"""Modules from which a pickle of weights needs nothing, but for the names below."""

HARMLESS = frozenset(
    {
        "builtins.set",
        "builtins.frozenset",
        "builtins.dict",
        "builtins.list",
        "builtins.tuple",
        "builtins.int",
        "builtins.float",
        "builtins.complex",
        "builtins.bytearray",
        "builtins.slice",
        "builtins.range",
        "functools.partial",
        "types.SimpleNamespace",
    }
)


def globals_of(pickle: bytes) -> list[str]:
    """The names that a pickle asks for, as `module.name`. What cannot be read ends the list."""
    found: list[str] = []
    strings: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(pickle):
            if opcode.name in ("GLOBAL", "INST"):
                found.append(str(argument).replace(" ", ".", 1))
            elif opcode.name == "STACK_GLOBAL":
                # Its two strings are those that were pushed last, as pickle writes it; else all are named.
                found.append(".".join(strings[-2:]))
                strings.clear()
            elif isinstance(argument, str):
                strings.append(argument)
    except Exception:
        # No pickle, or none to the end: what stands before the break would still run.
        pass
    return found


def pickles_of(checkpoint: bytes) -> list[bytes]:
    """The pickles of a checkpoint: those of torch's zip format, or the file itself."""
    try:
        with zipfile.ZipFile(io.BytesIO(checkpoint)) as archive:
            names = [one for one in archive.infolist() if one.filename.endswith((".pkl", ".pickle"))]
            return [archive.open(one).read(LARGEST_PICKLE) for one in names[:16]]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        return [checkpoint[:LARGEST_PICKLE]]


def dangerous_globals(checkpoint: bytes) -> tuple[list[str], int]:
    """Names in the checkpoint that run code when it is loaded, and how many names were looked at."""
    names = [name for pickle in pickles_of(checkpoint) for name in globals_of(pickle)]
    dangerous = [name for name in names if name.split(".")[0] in RUNS_CODE and name not in HARMLESS]
    return dangerous, len(names)
