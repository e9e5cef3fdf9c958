"""Runs attempts outside the engine's process. Python's standard library only, 3.9 or later, on Linux.

    supervise.py run DIR          supervise the attempt in DIR; the exit code is 0 when DIR/exit.json was written
    supervise.py launcher UID     a fork server on standard input and output (see sandbox_launcher.py)
    supervise.py probe UID        print why bubblewrap cannot be used as UID, or nothing
    supervise.py sweep DIR        end what a killed supervisor of DIR left running; print how many processes

UID is a number, or `none` to stay the user that one is. Run it with `python3 -I -S`.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def _uid(text: str) -> int | None:
    return None if text == "none" else int(text)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2 or arguments[0] not in ("run", "launcher", "probe", "sweep"):
        print(__doc__, file=sys.stderr)
        return 2
    mode, argument = arguments
    if mode in ("launcher", "probe"):
        import sandbox_launcher  # noqa: PLC0415 (each mode loads what it needs only)

        if mode == "launcher":
            sandbox_launcher.launch(_uid(argument))
        else:
            print(sandbox_launcher.probe(_uid(argument)) or "")
        return 0
    import sandbox_supervisor  # noqa: PLC0415

    if mode == "run":
        sandbox_supervisor.become_supervisor(os.path.abspath(argument))
    print(sandbox_supervisor.sweep(os.path.abspath(argument)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
