"""What happens in a trial's process before candidate code gets control: clean import paths, known imports."""

from __future__ import annotations

import importlib
import os
import sys


def clean_import_path(script: str) -> None:
    """Takes the script's folder, all that lies in it, and the current folder out of sys.path.

    After this no file of the candidate (torch.py, numpy/) can stand in for a module that is imported next.
    """
    workspace = os.path.dirname(os.path.realpath(script))
    current = os.path.realpath(os.getcwd())
    kept = []
    for entry in sys.path:
        path = os.path.realpath(entry)
        if entry and path != current and not is_within(path, workspace):
            kept.append(entry)
    sys.path[:] = kept


def is_within(path: str, root: str) -> bool:
    """Whether an absolute path is `root` or lies below it."""
    return path == root or path.startswith(root.rstrip("/") + "/")


def import_modules(names: str) -> None:
    """Imports modules from a comma-separated list."""
    for name in filter(None, names.split(",")):
        importlib.import_module(name)
