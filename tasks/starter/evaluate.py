"""The judge: mean squared error of the candidate's weights on fresh points. Only its numbers count."""

import argparse
import json
import math
import os
import random

POINTS = 500


def curve(x: float) -> float:
    """The truth. It stands in this file alone, which no candidate can read."""
    return math.sin(3 * x) + 0.3 * math.cos(9 * x)


def main() -> None:
    """Score the weights and write the result, whole or not at all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights")
    parser.add_argument("--result", required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    errors: list[float] = []
    try:
        with open(arguments.weights, encoding="utf-8") as file:
            weights = [float(weight) for weight in json.load(file)]
        errors = squared_errors(weights, arguments.seed)
        loss = sum(errors) / len(errors)
        found = f"{len(weights)} weights, a loss of {loss}"
        is_finite = all(math.isfinite(number) for number in (*weights, loss))
    except (OSError, ValueError, TypeError, OverflowError, RecursionError) as error:
        found, is_finite = f"no usable weights: {error}", False
    # What task.yaml requires under `audits`. They are reported when the weights are refused, too.
    checks = [
        {"id": "points-scored", "ok": len(errors) == POINTS, "detail": f"{len(errors)} secret points"},
        {"id": "finite", "ok": is_finite, "detail": found},
    ]
    if is_finite:
        result = {
            "valid": True,
            "metric": "loss",
            "value": loss,
            "metrics": {"weights": len(weights)},
            "checks": checks,
        }
    else:
        result = {"valid": False, "failure": "invalid-metric", "reason": found, "checks": checks}
    with open(arguments.result + ".partial", "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.replace(arguments.result + ".partial", arguments.result)


def squared_errors(weights: list[float], seed: int) -> list[float]:
    """Against the truth, at secret places."""
    generator = random.Random(seed)
    places = [generator.uniform(-1, 1) for _ in range(POINTS)]
    return [(sum(weight * x**power for power, weight in enumerate(weights)) - curve(x)) ** 2 for x in places]


if __name__ == "__main__":
    main()
