"""Runs a program in a fresh folder of its own, for programs that read and write below the current folder.

    python -P -m assay_judge.run_folder --link data/set=/data/set --link logs=/output -- program [arguments]

The workspace of a candidate is read-only and its /output is looked through for links, so neither can be that folder.
It is made in /tmp, holds only the links that are named, and vanishes with the sandbox. The program takes this
process's place.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from typing import NoReturn


def make_folder(links: list[str]) -> str:
    """A new folder with the links, each `PATH=TARGET`: PATH within the folder, TARGET absolute and there.

    Raises ValueError for any other.
    """
    folder = os.path.realpath(tempfile.mkdtemp(prefix="run-"))
    for link in links:
        path, equals, target = link.partition("=")
        place = os.path.normpath(os.path.join(folder, path))
        if not equals or not place.startswith(folder + os.sep) or not os.path.isabs(target):
            raise ValueError(f"--link {link}: a path within the folder, '=' and an absolute target are needed")
        if not os.path.exists(target):
            raise ValueError(f"--link {link}: {target} is not there")
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.symlink(target, place)
    return folder


def main() -> NoReturn:
    parser = argparse.ArgumentParser(description="Run a program in a fresh folder with links.")
    parser.add_argument("--link", action="append", default=[], metavar="PATH=TARGET")
    parser.add_argument("program", nargs="+", help="after --")
    options = parser.parse_args()
    try:
        os.chdir(make_folder(options.link))
    except ValueError as error:
        parser.error(str(error))
    sys.stdout.flush()
    os.execvp(options.program[0], options.program)


if __name__ == "__main__":
    main()
