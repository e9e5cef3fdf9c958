"""Parts of the judge of C kernels: settings, plan, comparison, shared file, checks of times."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from assay_judge.kernel_area import Area
from assay_judge.kernel_build import BuildError, flags_of, read_settings
from assay_judge.kernel_peer import Reply
from assay_judge.kernel_plan import BAYS, Planner
from assay_judge.kernel_problems import PROBLEMS, change_one, draw_matrix
from assay_judge.kernel_reference import ReferenceRun
from assay_judge.kernel_timing import Price, Surroundings, metrics_of, timing_checks
from assay_judge.kernel_trial import Record
from assay_judge.kernel_verify import Verdict, comparison_works, is_sloppy, stale_parts, verify
from assay_judge.protocol import HostFailure


def test_settings_become_flags():
    text = '"""Knobs."""\nOPTIMIZATION = "-O3"\nFAST_MATH = False\nTILE = 8\nSCALE: float = -0.5\n'
    flags = flags_of(read_settings(text))
    assert flags[0] == "-O3"
    assert {"-DTILE=8", "-DSCALE=-0.5", "-fno-fast-math"} <= set(flags)
    assert flags_of({})[0] == "-O2"


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "X = print(1)",
        "x = 1",
        "X = '1 -ffast-math'",
        "X = True",
        "X = 1e999",
        "X = [1]",
        "X = 1\nX = 2",
        'OPTIMIZATION = "-Ofast"',
        'OPTIMIZATION = "-O3 -ffast-math"',
        "FAST_MATH = True",
        "FAST_MATH = 0",
        "X.Y = 1",
        "X = " + "(" * 500 + "1" + ")" * 500,
    ],
)
def test_other_settings_are_refused(line: str):
    with pytest.raises(BuildError):
        read_settings(line)


def test_a_plan_keeps_bays_for_the_probes_that_need_them():
    calls = Planner(np.random.default_rng(3)).calls()
    assert [call.index for call in calls] == list(range(len(calls)))
    for call in calls:
        assert 0 <= call.bay < BAYS
        if call.base is not None:
            assert call.base.index < call.index
            assert call.base.sizes == call.sizes
        if call.same_place and call.base is not None:
            between = [one.bay for one in calls[call.base.index + 1 : call.index]]
            assert call.bay == call.base.bay
            assert call.bay not in between
    first = {calls[place].problem.name for place in range(6)}
    assert len(first) > 1
    sides = [call.candidate_first for call in calls if call.problem is PROBLEMS[0] and call.kind == "declared"]
    assert abs(sum(sides) - len(sides) / 2) <= 1


def test_plans_of_other_seeds_differ():
    plans = [
        [(call.problem.name, call.sizes) for call in Planner(np.random.default_rng(seed)).calls()] for seed in (1, 2)
    ]
    assert plans[0] != plans[1]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda one: one.name)
def test_float32_arithmetic_in_any_order_passes_and_half_precision_does_not(problem):
    generator = np.random.default_rng(5)
    for distribution in problem.distributions:
        inputs = problem.draw(generator, distribution, problem.declared[0])
        exact = problem.exact(inputs)
        right = exact.values.astype(np.float32)
        assert verify(problem, right, exact, right).ok, distribution
        with np.errstate(over="ignore"):
            rounded = right.astype(np.float16).astype(np.float32)
        if np.array_equal(rounded, right) or not np.isfinite(rounded).all():
            continue
        verdict = verify(problem, rounded, exact, right)
        # Sums of large logits are rounded so much by float32 itself that half precision may not show.
        if problem.name != "cross_entropy" or distribution not in ("large", "shifted"):
            assert not verdict.ok, (distribution, verdict.words())
            assert is_sloppy(rounded, exact, verdict.largest_allowed) or distribution in (
                "scaled",
                "mixed-rows",
                "large",
            )


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda one: one.name)
def test_one_changed_element_changes_the_result_beyond_rounding(problem):
    noticed = 0
    for seed in range(12):
        generator = np.random.default_rng(seed)
        inputs = problem.draw(generator, "normal", problem.declared[0])
        changed = change_one(generator, problem, inputs)
        assert sum(int((one != other).sum()) for one, other in zip(inputs, changed, strict=True)) == 1
        old = problem.exact(inputs).values.astype(np.float32)
        exact = problem.exact(changed)
        noticed += not verify(problem, old, exact, exact.values.astype(np.float32)).ok
    assert noticed >= 11


def test_an_output_of_older_inputs_is_explained():
    problem = PROBLEMS[2]
    generator = np.random.default_rng(1)
    old, new = (problem.draw(generator, "normal", (32, 24, 16)) for _ in range(2))
    mixed = problem.exact([new[0], old[1], new[2]]).values.astype(np.float32)
    assert stale_parts(problem, mixed, new, [old]) == "input 2 of an earlier call"
    assert stale_parts(problem, np.zeros_like(mixed), new, [old]) is None


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda one: one.name)
def test_the_self_test_passes_and_notices_a_blind_comparison(problem, monkeypatch: pytest.MonkeyPatch):
    assert comparison_works(problem, np.random.default_rng(2))[0]
    monkeypatch.setattr("assay_judge.kernel_verify.FACTOR", 1e9)
    assert not comparison_works(problem, np.random.default_rng(2))[0]


def test_every_distribution_is_finite_and_varies():
    generator = np.random.default_rng(0)
    for name in PROBLEMS[0].distributions:
        drawn = draw_matrix(generator, name, 40, 50)
        assert drawn.dtype == np.float32
        assert np.isfinite(drawn).all()
        assert drawn.std() > 0


@pytest.fixture
def area(tmp_path: Path) -> Area:
    return Area(str(tmp_path / "area"), 2, 1 << 16, np.random.default_rng(0))


def test_writes_outside_of_the_output_are_found_and_told_apart(area: Area, tmp_path: Path):
    inputs = [np.arange(100, dtype=np.float32), np.arange(7, dtype=np.int32)]
    layout = area.layout_for(1, [400, 28, 80])
    area.lay(layout, inputs, np.zeros(20, np.float32))
    assert all(start % 64 == 0 for start in layout.starts)
    descriptor = os.open(tmp_path / "area", os.O_RDWR)
    os.pwrite(descriptor, b"\xff" * 80, layout.starts[2])
    output, changed = area.take(layout)
    assert output.tobytes() == b"\xff" * 80
    assert (changed.inputs, changed.guards, changed.output) == (0, 0, 0)
    os.pwrite(descriptor, b"\xfe", layout.starts[0] + 1)
    os.pwrite(descriptor, b"\x01", layout.starts[2] + 5)
    before = os.pread(descriptor, 1, layout.starts[2] + 80)[0]
    os.pwrite(descriptor, bytes([before ^ 1]), layout.starts[2] + 80)
    changed = area.check(1)
    assert (changed.inputs, changed.guards, changed.output) == (1, 1, 1)
    assert area.check(0).guards == 0
    os.ftruncate(descriptor, 100)
    with pytest.raises(HostFailure, match="shorter"):
        area.check(1)
    os.close(descriptor)


def made_up(speed: dict[str, float] | None = None) -> tuple[list[Record], Surroundings]:
    """Records of a whole trial where each call takes `speed` (by kind, 1 if absent) of the reference's millisecond."""
    records = []
    for call in Planner(np.random.default_rng(4)).calls():
        share = (speed or {}).get(call.kind, 1.0)
        run = ReferenceRun(1_000_000, 1_000_000, np.empty(0))
        wall = int(share * 1e6) + 8_000
        records.append(Record(call, wall, wall - 8_000, 30_000, run, Verdict(True, 1, 1, 4, 4)))
    names = [problem.name for problem in PROBLEMS]
    around = Surroundings(
        price=Price(8_000, 7_000, 40_000),
        load=Reply(500_000, 300_000, 200_000, ""),
        usage_before=Reply(0, 1, 0, "5"),
        usage_after=Reply(0, 1, 150_000_000, "5"),
        quiet_ns=dict.fromkeys(names, 1e6),
        beside_ns=dict.fromkeys(names, 1e6),
        copy_bytes_per_ns=80.0,
        flops_per_ns=100.0,
        requests=200,
    )
    return records, around


def broken(records: list[Record], around: Surroundings) -> set[str]:
    return {check for check, ok, _, _ in timing_checks(records, around) if not ok}


def test_honest_times_pass_and_give_their_ratio():
    records, around = made_up({"declared": 0.5, "hidden": 0.5, "repeat": 0.5, "anchor": 0.5})
    assert broken(records, around) == set()
    value, metrics = metrics_of(records, around)
    assert value == pytest.approx(0.5)
    assert metrics["hidden_ratio"] == pytest.approx(0.5)
    assert metrics["pipe_overhead_us"] == 8


def test_declared_and_secret_sizes_weigh_the_same():
    value, _ = metrics_of(*made_up({"declared": 0.1, "hidden": 0.9}))
    assert value == pytest.approx(0.3)


def test_times_that_are_not_honest_are_noticed():
    assert broken(*made_up({"repeat": 0.02, "anchor": 0.02, "declared": 2, "hidden": 2})) == {"kernel-fresh"}
    assert broken(*made_up({"declared": 0.2, "hidden": 9})) == {"kernel-shapes"}
    assert "roofline" in broken(*made_up_without_overhead(0.001))


def made_up_without_overhead(share: float) -> tuple[list[Record], Surroundings]:
    records, around = made_up()
    quick = [replace(one, wall_ns=int(share * 1e6), claimed_wall_ns=int(share * 9e5)) for one in records]
    return quick, replace(around, price=Price(0.0, 0.0, 0.0))


def test_calls_that_become_fast_late_are_noticed():
    records, around = made_up()
    for problem in PROBLEMS:
        counted = [place for place, one in enumerate(records) if one.call.counts and one.call.problem is problem]
        for place in counted[len(counted) // 2 :]:
            records[place] = replace(records[place], wall_ns=100_000, claimed_wall_ns=20_000)
    assert "kernel-order" in broken(records, around)


@pytest.mark.parametrize(
    "change",
    [
        {"load": Reply(900_000_000, 0, 0, "")},
        {"load": Reply(9_000_000, 0, 90_000_000, "")},
        {"usage_after": Reply(0, 1, 9_000_000_000, "5")},
        {"usage_after": Reply(0, 2, 0, "5")},
        {"usage_after": Reply(0, 1, 0, "6")},
        {"beside_ns": dict.fromkeys([problem.name for problem in PROBLEMS], 2.5e6)},
    ],
)
def test_work_beside_the_calls_is_noticed(change: dict):
    records, around = made_up()
    assert broken(records, replace(around, **change)) == {"kernel-clock"}


def test_a_clock_that_runs_slow_or_fast_is_noticed():
    records, around = made_up()
    slow = [replace(one, claimed_wall_ns=one.claimed_wall_ns // 4) for one in records]
    assert broken(slow, around) == {"kernel-clock"}
    fast = [*records[:-1], replace(records[-1], claimed_wall_ns=records[-1].wall_ns + 5000)]
    assert broken(fast, around) == {"kernel-clock"}


def test_a_busy_machine_is_no_reason_for_suspicion():
    generator = np.random.default_rng(9)
    for _ in range(20):
        records, around = made_up({"declared": 0.1, "hidden": 0.15, "repeat": 0.1, "anchor": 0.1})
        waits = generator.exponential(4e6, (len(records), 2)) * (generator.random((len(records), 2)) < 0.5)
        busy = [
            replace(
                one,
                wall_ns=one.wall_ns + int(wait[0]),
                reference=replace(one.reference, wall_ns=one.reference.wall_ns + int(wait[1])),
            )
            for one, wait in zip(records, waits, strict=True)
        ]
        assert broken(busy, around) == set()


def test_work_in_the_empty_call_before_a_call_is_time_of_that_call():
    records, around = made_up()
    early = [replace(one, knock_ns=1_200_000) for one in records]
    assert metrics_of(early, around)[0] == pytest.approx(2.0)
    busy = replace(around, price=replace(around.price, slow_knock_ns=900_000))
    assert metrics_of(early, busy)[0] == pytest.approx(1.0)


def test_a_call_that_takes_less_than_asking_is_noticed():
    records, around = made_up()
    records[5] = replace(records[5], wall_ns=3_000, claimed_wall_ns=1_000)
    assert broken(records, around) == {"kernel-clock"}


def test_a_reference_that_is_slow_beside_the_calls_only_is_noticed():
    records, around = made_up()
    slow = [replace(one, reference=replace(one.reference, cpu_ns=1_700_000)) for one in records]
    assert broken(slow, around) == {"kernel-clock"}


def test_tiny_sizes_hold_one_dimension_of_one_in_every_plan():
    for seed in range(20):
        for problem in PROBLEMS:
            calls = Planner(np.random.default_rng(seed)).calls()
            small = [call.sizes for call in calls if call.kind == "tiny" and call.problem is problem]
            assert any(sizes[0] == 1 and min(sizes[1:]) > 1 for sizes in small)
            assert any(sizes[0] > 1 and min(sizes[1:]) == 1 for sizes in small)
