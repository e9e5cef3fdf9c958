"""Reads the log of a run of modded-nanogpt, as hostile input.

The program prints its own source, a line of 100 `=`, the machine, a line of 100 `=`, and then its validations:

    step:1390/1390 val_loss:3.2775 train_time:79532ms step_avg:57.22ms      track 1
    step:3250/3250 val_loss:3.27722 train_time:503.169s step_avg:155.25ms   track 3

Only what comes after the second line of `=` is read: the source holds the same words.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

SEPARATOR = "=" * 100
LOOKS_LIKE_VALIDATION = re.compile(r"\s*step:\S* val_loss:")
VALIDATION = re.compile(
    r"step:(?P<step>\d{1,9})/(?P<total>\d{1,9}) val_loss:(?P<loss>\d{1,9}(?:\.\d{1,9})?) "
    r"train_time:(?P<time>\d{1,9}(?:\.\d{1,9})?)(?P<unit>ms|s) step_avg:(?P<average>\S+)ms"
)
UNITS = {1: "ms", 3: "s"}


class LogProblem(Exception):
    """The log can't be read in exactly one way. The message says why."""


@dataclass(frozen=True)
class Validation:
    """One line. loss: nats per token, train_seconds: what the program counts as training until then."""

    step: int
    total: int
    loss: float
    train_seconds: float


@dataclass(frozen=True)
class RunLog:
    """A whole run."""

    source: str
    machine: str
    validations: tuple[Validation, ...]

    @property
    def final(self) -> Validation:
        """The validation at the last step of the schedule."""
        return self.validations[-1]


def read_log(text: str, track: int) -> RunLog:
    """One finished run of track 1 or 3. Raises LogProblem."""
    lines = text.split("\n")
    places = [place for place, line in enumerate(lines) if line == SEPARATOR]
    if len(places) < 2:
        raise LogProblem(f"it has {len(places)} lines of 100 '='; two stand before the validations")
    first, second = places[:2]
    found: list[Validation] = []
    for line in lines[second + 1 :]:
        if LOOKS_LIKE_VALIDATION.match(line):
            found.append(read_line(line, track))
    if not found:
        raise LogProblem("it has no validation")
    totals = {one.total for one in found}
    if len(totals) != 1:
        raise LogProblem(f"its validations name {len(totals)} different totals: {sorted(totals)[:5]}")
    steps = [one.step for one in found]
    if steps != sorted(set(steps)):
        raise LogProblem("its validations are not in the order of their steps, each once: more than one run, or forged")
    if any(later.train_seconds < one.train_seconds for one, later in zip(found, found[1:], strict=False)):
        raise LogProblem("its clock runs backwards")
    if found[-1].step != found[-1].total:
        raise LogProblem(f"its last validation is at step {found[-1].step} of {found[-1].total}: it did not finish")
    return RunLog("\n".join(lines[:first]), "\n".join(lines[first + 1 : second]), tuple(found))


def read_line(line: str, track: int) -> Validation:
    """One validation. Raises LogProblem."""
    match = VALIDATION.fullmatch(line)
    if match is None:
        raise LogProblem(f"the line {line[:100]!r} can't be read")
    if match["unit"] != UNITS[track]:
        raise LogProblem(f"its times are in {match['unit']}, those of track {track} in {UNITS[track]}")
    loss, seconds = float(match["loss"]), float(match["time"]) / (1000 if track == 1 else 1)
    if not math.isfinite(loss) or not math.isfinite(seconds):
        raise LogProblem(f"the line {line[:100]!r} holds no finite numbers")
    return Validation(int(match["step"]), int(match["total"]), loss, seconds)
