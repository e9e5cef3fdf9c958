"""The judge of the null tasks: a metric of known noise around a value that the candidate's constants plant.

``python -m assay_judge.planted_noise CANDIDATE --result FILE --seed SEED``

The candidate is read, never run. Its true value is ``1 - SIGMA * sum of its PLANTED_ constants`` (lower is
better); a trial adds normal noise of standard deviation SIGMA, half of its variance shared by the two sides of a
pair (they share the seed), half its own.
"""

import argparse
import ast
import json
import os
import random

SIGMA = 0.01
"""Standard deviation of one trial, in the metric's units."""


def planted_gain(source: str) -> float:
    """Sum of the module-level constants whose names begin with PLANTED_, in units of SIGMA."""
    gain = 0.0
    for node in ast.parse(source).body:
        names = [name.id for name in node.targets if isinstance(name, ast.Name)] if isinstance(node, ast.Assign) else []
        if any(name.startswith("PLANTED_") for name in names):
            gain += float(ast.literal_eval(node.value))
    return gain


def measure(source: str, seed: int) -> float:
    """One noisy measurement of the candidate."""
    shared = random.Random(seed).gauss(0, 1)
    own = random.SystemRandom().gauss(0, 1)
    return 1 - SIGMA * planted_gain(source) + SIGMA * (shared + own) / 2**0.5


def main() -> None:
    """Read the candidate, write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("candidate")
    parser.add_argument("--result", required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    with open(arguments.candidate, encoding="utf-8") as file:
        value = measure(file.read(), arguments.seed)
    result = {"metric": "loss", "value": value, "metrics": {"loss": value}, "checks": [], "valid": True}
    partial = arguments.result + ".partial"
    with open(partial, "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.replace(partial, arguments.result)


if __name__ == "__main__":
    main()
