"""How a process ended, from its wait status."""

from __future__ import annotations

import os
import signal

_SIGNAL_BASE = 128
_BUBBLEWRAP_FAILED = 1
_PRLIMIT_FAILED = (126, 127)


def _code(status: int) -> int:
    """As a shell says it: a signal is 128 and its number."""
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else _SIGNAL_BASE + os.WTERMSIG(status)


def describe(status: int, sealed: bool, refusal: str | None) -> dict:
    """Reason and facts of a PhaseEnd.

    bubblewrap says only 128 and the number of a signal, so a sealed program's own exit code of that kind is taken
    for a signal.
    """
    if refusal is not None:
        return {"reason": "not-started", "detail": refusal}
    code = _code(status)
    name = _signal_name(code - _SIGNAL_BASE)
    if name is not None and (sealed or os.WIFSIGNALED(status)):
        return {"reason": "signalled", "signal": name, "detail": f"It was ended by {name}."}
    return {"reason": "exited", "exitCode": code}


def _signal_name(number: int) -> str | None:
    try:
        return signal.Signals(number).name
    except ValueError:
        return None


def refusal(status: int, error_path: str, reported_exit: bool) -> str | None:
    """The sandbox's own words when it was the sandbox that failed, not the program."""
    code = _code(status)
    if code != _BUBBLEWRAP_FAILED and code not in _PRLIMIT_FAILED:
        return None
    with open(error_path, "rb") as file:
        words = file.read(1000).decode(errors="replace").strip().split("\n")[0]
    is_ours = (
        (code == _BUBBLEWRAP_FAILED and not reported_exit)
        or (code == _BUBBLEWRAP_FAILED and words.startswith("bwrap: execvp "))
        or (code in _PRLIMIT_FAILED and words.startswith("prlimit: failed to execute "))
    )
    return f"The sandbox could not start it: {words.removeprefix('bwrap: ')}." if is_ours else None
