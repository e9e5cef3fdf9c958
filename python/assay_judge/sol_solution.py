"""Takes a candidate's folder `solution/` and forms the one solution.json that is judged, or refuses it.

Upstream writes a solution's sources beside definition.json, workload.jsonl, config.json and its own driver, after them,
in the folder where Python looks for modules first. So a source's name can replace what is asked for or a module of the
judge's. Only plain new names are taken here, and nothing is followed: no link, no path.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path, PurePosixPath

from assay_judge.sol_files import SolProblem, parse_json
from assay_judge.sol_schema import FieldError, Record, read_solution

DESCRIPTION = "solution.json"
SOURCE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\.(py|cu|cpp|h|cuh)")
MAX_SOURCES = 16
MAX_SOURCE_BYTES = 200_000
STAGED = frozenset({"build_ext", "eval_driver", "_reference", "benchmark_kernel"})
"""Stems of upstream's own files in the folder where the sources are put."""
IMPORTED = frozenset(
    [
        "apache_tvm_ffi",
        "assay_judge",
        "click",
        "cuda",
        "cudnn",
        "cupti",
        "cupy",
        "cutlass",
        "datasets",
        "huggingface_hub",
        "jinja2",
        "mpmath",
        "networkx",
        "ninja",
        "numpy",
        "nvidia",
        "packaging",
        "pandas",
        "pip",
        "pkg_resources",
        "pyarrow",
        "pydantic",
        "pydantic_core",
        "pynvml",
        "requests",
        "rich",
        "safetensors",
        "scipy",
        "setuptools",
        "sitecustomize",
        "sol_execbench",
        "sympy",
        "torch",
        "torch_c_dlpack_ext",
        "torchgen",
        "torchvision",
        "tqdm",
        "triton",
        "tvm_ffi",
        "typing_extensions",
        "typing_inspection",
        "usercustomize",
        "yaml",
        "_virtualenv",
    ]
)
"""Modules that upstream, torch or Python's own start may import."""


class SolutionRefused(ValueError):
    """The solution is not taken. `suspected`: its path has no honest use."""

    def __init__(self, reason: str, suspected: bool = False) -> None:
        super().__init__(reason)
        self.suspected = suspected


def form_solution(folder: Path, problem: SolProblem) -> Record:
    """solution.json of `folder` with the content of every source, in upstream's form.

    Raises SolutionRefused. Sources whose content is empty are read from the file of that name beside it.
    """
    text = _read_plain(folder, DESCRIPTION)
    try:
        record = parse_json(text, DESCRIPTION)
        sources = record.get("sources") if isinstance(record, dict) else None
        if isinstance(sources, list):
            if len(sources) > MAX_SOURCES:
                raise SolutionRefused(f"{len(sources)} sources; at most {MAX_SOURCES} are taken")
            for source in sources:
                _fill(source, folder)
        solution = read_solution(record, DESCRIPTION)
    except FieldError as error:
        raise SolutionRefused(str(error)) from error
    size = sum(len(one["content"].encode()) for one in solution["sources"])
    if size > MAX_SOURCE_BYTES:
        raise SolutionRefused(f"the sources have {size} bytes, at most {MAX_SOURCE_BYTES} are taken")
    if solution["definition"] != problem.name:
        raise SolutionRefused(f"{DESCRIPTION}.definition: '{solution['definition']}', the problem is '{problem.name}'")
    return solution


def _fill(source: object, folder: Path) -> None:
    if not isinstance(source, dict) or not isinstance(source.get("path"), str):
        return  # read_solution says what is wrong
    path = source["path"]
    refuse_name(path)
    if not source.get("content"):
        source["content"] = _read_plain(folder, path)
    elif (folder / path).is_symlink() or ((folder / path).exists() and _read_plain(folder, path) != source["content"]):
        raise SolutionRefused(f"the source {path} is there twice, in {DESCRIPTION} and beside it, and they differ")


def refuse_name(path: str) -> None:
    """Raises SolutionRefused for a source that is no plain file name, or that covers what the judges read or import."""
    parts = PurePosixPath(path).parts
    shown = repr(path[:120])
    if path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
        raise SolutionRefused(f"the source path {shown} leads out of the solution's folder", suspected=True)
    first = (parts or ("",))[0]
    stem = first.split(".")[0]
    if first in ("definition.json", "workload.jsonl", "config.json", DESCRIPTION) or stem in STAGED:
        raise SolutionRefused(f"the source path {shown} would replace a file of the benchmark's own", suspected=True)
    is_module = len(parts) > 1 or first.endswith((".py", ".pyc", ".so", ".pth"))
    if is_module and (stem in IMPORTED or stem in sys.stdlib_module_names):
        raise SolutionRefused(
            f"the source path {shown} would cover the module '{stem}': name it otherwise", stem in IMPORTED
        )
    if not SOURCE_NAME.fullmatch(path):
        raise SolutionRefused(f"the source path {shown} is not a plain name that ends in .py, .cu, .cpp, .h or .cuh")


def unlisted(folder: Path, solution: Record) -> list[str]:
    """Names in the folder that no source names: they are part of nothing."""
    listed = {one["path"] for one in solution["sources"]} | {DESCRIPTION}
    return sorted(set(os.listdir(folder)) - listed)


def _read_plain(folder: Path, name: str) -> str:
    """A plain file of the folder; no link is followed, neither the folder's nor the file's."""
    try:
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
        finally:
            os.close(directory)
    except OSError as error:
        is_link = (folder / name).is_symlink() or folder.is_symlink()
        what = "is a link" if is_link else f"cannot be read: {error.strerror}"
        raise SolutionRefused(f"{folder.name}/{name} {what}", suspected=is_link) from error
    with os.fdopen(descriptor, encoding="utf-8") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise SolutionRefused(f"{folder.name}/{name} is not a plain file", suspected=True)
        if facts.st_size > 2 * MAX_SOURCE_BYTES:
            raise SolutionRefused(f"{folder.name}/{name} has {facts.st_size} bytes")
        try:
            return file.read()
        except UnicodeDecodeError as error:
            raise SolutionRefused(f"{folder.name}/{name} is not UTF-8 text") from error
