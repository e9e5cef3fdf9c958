"""The judge: mean squared error of the candidate's weights on fresh points. Only its numbers count."""

import argparse
import json
import math
import os
import random


def main() -> None:
    """Score the weights and write the result, whole or not at all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights")
    parser.add_argument("--result", required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    try:
        with open(arguments.weights, encoding="utf-8") as file:
            weights = [float(weight) for weight in json.load(file)]
        loss = mean_squared_error(weights, arguments.seed)
        if not math.isfinite(loss):
            raise ValueError(f"the loss is {loss}")
        result = {"metric": "loss", "value": loss, "metrics": {"weights": len(weights)}, "checks": [], "valid": True}
    except (OSError, ValueError, TypeError, OverflowError) as error:
        result = {"valid": False, "failure": "invalid-metric", "reason": f"no usable weights: {error}", "checks": []}
    with open(arguments.result + ".partial", "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.replace(arguments.result + ".partial", arguments.result)


def mean_squared_error(weights: list[float], seed: int) -> float:
    """Against the true curve, at 500 secret places."""
    generator = random.Random(seed)
    total = 0.0
    for _ in range(500):
        x = generator.uniform(-1, 1)
        truth = math.sin(3 * x) + 0.3 * math.cos(9 * x)
        total += (sum(weight * x**power for power, weight in enumerate(weights)) - truth) ** 2
    return total / 500


if __name__ == "__main__":
    main()
