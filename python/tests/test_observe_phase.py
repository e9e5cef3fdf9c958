"""The pace of the supervisor's looks."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "assay_judge"))

import observe_phase


def test_one_slow_look_does_not_blind_the_next_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine may stand still for a moment. Two slow looks in a row: there is much to look at."""
    observer = observe_phase.PhaseObserver({}, {"sandbox": "none", "cores": []}, "/")
    costs = [0.03, 0, 0.03, 0, 0.03, 0.03, 0]

    def family(_pid: int) -> dict:
        end = time.thread_time() + costs.pop(0)
        while time.thread_time() < end:
            pass
        return {}

    monkeypatch.setattr(observe_phase.processes, "family", family)
    waits = []
    while costs:
        observer.look(100.0)
        waits.append(observer.next_look - 100.0)
    assert waits[0] == pytest.approx(observe_phase.FIRST_LOOKS[1])
    assert waits[1:5] == pytest.approx([observe_phase.INTERVAL] * 4)
    assert waits[5] >= 0.03 / 0.01
    assert waits[6] == pytest.approx(observe_phase.INTERVAL)
