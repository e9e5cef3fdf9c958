"""Tables of what run_kernels.py wrote: python bench/gpu/summarize_kernels.py <out>/kernels.jsonl …

Of several files, of two records of one thing the one in the later file counts; tables say which run it is from.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections import defaultdict
from pathlib import Path

LEVEL = 0.05
EXACT = 12 / 256
"""Share of patterns of signs whose p is at most LEVEL, with eight pairs."""
NO_GAIN = 0.03
"""How much better than the honest kernel's a hostile one's score may be by noise."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    records = merged([one.read_text().splitlines() for one in parser.parse_args().files])
    for show in (device, table, solutions, categories, hostile, same, clocks, problems):
        show(records)


NAMED_BY = {
    "table": ("problem", "workload"),
    "compile": ("problem", "workload"),
    "solution": ("name",),
    "hostile": ("list", "name"),
    "noisy": ("name",),
}


def merged(runs: list[list[str]]) -> dict[str, list[dict]]:
    """Records by kind. What had no turn in a later run does not replace what had one in an earlier."""
    records: dict[str, dict[tuple, dict]] = defaultdict(dict)
    for run, lines in enumerate(runs, 1):
        every = [json.loads(line) for line in lines]
        if any(one["kind"] == "same" for one in every):
            records["same"].clear()
        for turn, one in enumerate(every):
            names = NAMED_BY.get(one["kind"])
            key = tuple(one.get(it) for it in names) if names else (run, turn)
            if key in records[one["kind"]] and ("not_run" in one or "error" in one):
                continue
            records[one["kind"]][key] = one | {"run": run}
    return defaultdict(list, {kind: list(every.values()) for kind, every in records.items()})


def heading(words: str) -> None:
    print(f"\n## {words}\n")


def rows(names: list[str], lines: list[list]) -> None:
    print("| " + " | ".join(names) + " |")
    print("| " + " | ".join("---" for _ in names) + " |")
    for line in lines:
        print("| " + " | ".join(number(one) for one in line) + " |")


def number(one: object) -> str:
    if one is None:
        return "?"
    return (
        f"{one:.3g}"
        if isinstance(one, float) and abs(one) < 100
        else f"{one:.0f}"
        if isinstance(one, float)
        else str(one)
    )


def device(records: dict) -> None:
    heading("Device")
    for one in records["start"] + records["spans"] + records["device"] + records["end"]:
        print(f"- {json.dumps({key: value for key, value in one.items() if key not in ('kind', 'at')})}")


def table(records: dict) -> None:
    heading("References: T_b and T_SOL, microseconds")
    lines, failed = [], []
    for one in records["table"]:
        if "error" in one:
            failed.append(f"{one['problem']}: {one['error'][:160]}")
            continue
        size = " ".join(f"{key}={value}" for key, value in one["axes"].items())
        line = [one["problem"], size, one["eager_us"], one["compiled_us"], one["baseline_us"], one["light_us"]]
        scores = [one["score_of_eager"], one["score_of_best"]]
        lines.append([*line, one["baseline_us"] / one["light_us"], *scores, one["run"]])
        if one["faster_than_light"]:
            failed.append(f"{one['problem']} {size}: the reference is faster than T_SOL: a finding about the problem")
    names = ["problem", "workload", "eager", "compiled", "T_b", "T_SOL", "T_b/T_SOL", "score eager", "score best", "run"]
    rows(names, lines)
    print(f"\n{len({one[0] for one in lines})} problems, {len(lines)} workloads.")
    for one in failed:
        print(f"- {one}")


def solutions(records: dict) -> None:
    heading("Our solutions, judged")
    lines = []
    for one in records["solution"]:
        result = one.get("result", {})
        if not result.get("valid"):
            reason = one.get("not_run") or result.get("reason", "")[:200]
            lines.append([one["name"], "refused", None, reason, *[None] * 4, one["run"]])
            continue
        each = result["workloads"]
        by_events = score_by_events(records, one)
        times = ", ".join(
            f"{it['seconds'] * 1e6:.0f}/{it['baseline'] * 1e6:.0f}/{it['light'] * 1e6:.0f}" for it in each
        )
        used = max(it["relative_error"] for it in each)
        speed = result["metrics"]["speedup"]
        events = ", ".join(f"{it['event_seconds'] * 1e6:.0f}" for it in each)
        judged = [result["value"], by_events, times, events]
        lines.append([one["name"], *judged, speed, used, result["judge_seconds"], one["run"]])
    names = ["problem", "sol_score_local", "by events", "us: ours/T_b/T_SOL", "us by events"]
    rows([*names, "speedup", "relative error", "judged in s", "run"], lines)
    print("\nBy events: what an honest solution's own events say, against the least T_b of its record and of the table.")
    print(f"\nTransport: {sorted({str(one.get('result', {}).get('transport')) for one in records['solution']})}")


def score_by_events(records: dict, one: dict) -> float:
    """The score of a solution by the times between its own events: a claim, so it never counts in a campaign."""
    least = {at["uuid"]: at["baseline_us"] * 1e-6 for at in records["table"] if "error" not in at}
    return statistics.fmean(
        score(
            max(it["event_seconds"], it["light"]),
            min(it["baseline"], least.get(it["uuid"], it["baseline"])),
            it["light"],
        )
        for it in one["result"]["workloads"]
    )


def score(seconds: float, baseline: float, light: float) -> float:
    """As gpu_kernel_timing.score, which needs torch."""
    return 1.0 / (1.0 + (seconds - light) / max(baseline - light, 0.01 * light))


def categories(records: dict) -> None:
    heading("By category")
    category = {one["problem"]: one["category"] for one in records["table"] if "category" in one}
    best, ours, events = defaultdict(list), defaultdict(list), defaultdict(list)
    for one in records["table"]:
        if "error" not in one:
            best[one["category"]].append(one["baseline_us"] / one["light_us"])
    for one in records["solution"]:
        if one.get("result", {}).get("valid"):
            ours[category.get(one["problem"], "?")].append(one["result"]["value"])
            events[category.get(one["problem"], "?")].append(score_by_events(records, one))
    lines = []
    for name, ratios in sorted(best.items()):
        found = [statistics.fmean(scores[name]) if scores[name] else None for scores in (ours, events)]
        lines.append([name, len(ratios), math.exp(statistics.fmean(map(math.log, ratios))), len(ours[name]), *found])
    names = ["category", "workloads", "T_b/T_SOL (geometric mean)", "our solutions", "their mean score", "by events"]
    rows(names, lines)


def hostile(records: dict) -> None:
    honest = {
        one["problem"]: one["result"]["value"]
        for one in records["hostile"]
        if one["list"] in ("honest", "controls")
        and one["name"].startswith("library")
        and one.get("result", {}).get("valid")
    }
    for kind, words in (("exploits", "Hostile kernels"), ("controls", "Honest kernels that look suspicious")):
        heading(words)
        lines, good, ran = [], 0, 0
        for one in records["hostile"]:
            if one["list"] != kind:
                continue
            if "result" not in one:
                lines.append([one["name"], one["class"], one["expects"], "not run", one.get("not_run"), "", one["run"]])
                continue
            verdict, said = verdict_of(one, honest)
            ran += 1
            good += verdict == "right"
            result = one["result"]
            lines.append([one["name"], one["class"], one["expects"], verdict, said, result.get("value"), one["run"]])
        rows(["kernel", "class", "expected", "verdict", "what the judge said", "score", "run"], lines)
        print(f"\n{good} of {ran} as expected.")


def verdict_of(one: dict, honest: dict[str, float]) -> tuple[str, str]:
    """'right', 'wrong reason', 'escaped' or 'false alarm', and the judge's words."""
    result, expected = one["result"], one["expects"].split(", ")
    failed = [check for check in result.get("checks", []) if not check["ok"]]
    said = (
        "; ".join(f"{check['id']}: {check['detail'][:110]}" for check in failed) or result.get("reason", "passed")[:140]
    )
    if one["expects"] == "passes":
        return ("right" if result["valid"] else "false alarm"), said
    if result["valid"]:
        bound = honest.get(one["problem"])
        gained = bound is None or result["value"] > bound + NO_GAIN
        words = f"passed with {result['value']:.3f}, an honest one has {bound if bound is None else round(bound, 3)}"
        return ("right" if "no-gain" in expected and not gained else "escaped"), words
    return ("right" if any(check["id"] in expected for check in failed) else "wrong reason"), said


def same(records: dict) -> None:
    heading(f"The same kernel against itself: p <= {LEVEL} in {EXACT:.1%} of comparisons is what the test promises")
    lines = []
    groups = defaultdict(list)
    for one in records["same"]:
        groups[one["pair"], one["problem"]].append(one)
        groups[one["pair"], "all"].append(one)
    for (pair, problem), every in sorted(groups.items()):
        false = sum(one["p"] <= LEVEL for one in every)
        offset = statistics.median(abs(one["ratio"] - 1) for one in every)
        large = sum(one["p"] <= LEVEL and abs(one["ratio"] - 1) > 0.01 for one in every)
        expected = EXACT * len(every)
        spread = statistics.median(one["sd"] for one in every)
        lines.append([pair, problem, len(every), false, expected, large, offset * 100, spread * 100])
    names = ["processes", "problem", "comparisons", "false differences", "promised", "of these above 1 %"]
    rows([*names, "median offset %", "sd of a pair %"], lines)


def clocks(records: dict) -> None:
    heading("Three clocks of one traced burst, milliseconds")
    lines = []
    for one in records["solution"]:
        for it in one.get("result", {}).get("workloads", []):
            spans = it.get("spans")
            if not spans:
                continue
            line = [one["name"], it["calls"], spans["outer"] * 1e3, spans["event"] * 1e3, spans["span"] * 1e3]
            lines.append(
                [*line, spans["busy"] * 1e3, spans["kernels"], spans["streams"], spans["span"] / spans["outer"]]
            )
    rows(
        ["solution", "calls", "outer", "events", "CUPTI span", "CUPTI busy", "kernels", "streams", "span/outer"], lines
    )
    heading("Events against the outer clock, bursts that count")
    found = [
        (it["event_seconds"] / it["seconds"])
        for one in records["solution"]
        for it in one.get("result", {}).get("workloads", [])
    ]
    if found:
        print(
            f"{len(found)} workloads: median {statistics.median(found):.3f}, from {min(found):.3f} to {max(found):.3f}"
        )
    if records["solution"]:
        print("\nClocks of the card (SM MHz, memory MHz, degrees, watts, reasons) before and after:")
        for one in records["solution"]:
            if one.get("result", {}).get("clocks"):
                print(f"- {one['name']}: {[list((it or {}).values()) for it in one['result']['clocks']]}")


def problems(records: dict) -> None:
    lost = [one for one in records["compile"] if not one["compiled"]]
    if records["problem"] or lost:
        heading("What went wrong")
        for one in records["problem"]:
            print(f"- {one['step']}: {one['why'][-400:]}")
        for one in lost:
            print(f"- {one['problem']} workload {one['workload']} was not compiled: {one['why'][:200]}")


if __name__ == "__main__":
    main()
