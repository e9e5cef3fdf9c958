"""Starts a candidate's script with imports already paid for, and tells the supervisor when it gets control.

    python -I <folder>/assay_judge/bootstrap.py --preload torch,numpy train.py [arguments]
    python -P -m assay_judge.bootstrap ...            the same, where PYTHONPATH holds the package

Order, which the law 'the candidate cannot move its own clock' rests on:
1. sys.path is cleaned: no folder of the candidate can be imported from, so nothing of it can run.
2. The modules named by --preload are imported. (A script that makes a torch.optim optimizer imports torch._dynamo with
   the first one, more than a second on one core: name it here too, or each trial pays for it out of its budget.)
3. ASSAY_CLOCK_START is set to CLOCK_MONOTONIC in seconds, and one byte `R` goes to the descriptor that
   ASSAY_READY_FD names; the descriptor is closed and the variable removed. The supervisor's clock starts here.
4. The script runs as __main__, its folder first in sys.path. When it ends the process ends at once.

Without -I or -P Python itself may import from the current folder before the first line of this file: refused.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    sys.stderr.write("bootstrap: start Python with -I or -P, else the workspace can shadow its modules\n")
    sys.exit(2)

import argparse
import os
import runpy
import time
import traceback
from typing import NoReturn

if not __package__:
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from assay_judge.preload import clean_import_path, import_modules


def signal_ready() -> None:
    """Starts the clock: see step 3 above. Without ASSAY_READY_FD only ASSAY_CLOCK_START is set."""
    descriptor = os.environ.pop("ASSAY_READY_FD", None)
    os.environ["ASSAY_CLOCK_START"] = repr(time.monotonic())
    if descriptor is not None:
        os.write(int(descriptor), b"R")
        os.close(int(descriptor))


def main() -> NoReturn:
    parser = argparse.ArgumentParser(description="Run a candidate's script after trusted imports.")
    parser.add_argument("--preload", default="", help="comma-separated modules to import first")
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()

    script = os.path.realpath(options.script)
    folder = os.path.dirname(script)
    clean_import_path(script)
    import_modules(options.preload)

    sys.argv = [script, *options.arguments]
    sys.path.insert(0, folder)
    signal_ready()
    leave_at_once(run(script))


def run(script: str) -> int:
    """Runs the script as __main__. Returns the exit code that Python would have ended with."""
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def leave_at_once(code: int) -> NoReturn:
    """Ends the process without taking torch apart, which costs 0.5 to 0.9 s; atexit functions do not run."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 1
    os._exit(code)


if __name__ == "__main__":
    main()
