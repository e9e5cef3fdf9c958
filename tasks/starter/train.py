"""Fits a polynomial to a noisy curve by gradient descent. The constants below are the knobs."""

import csv
import json
import os
import random

POINTS = 100  # 25..400
DEGREE = 3
LEARNING_RATE = 0.05
STEPS = 200
WEIGHT_DECAY = 0.001


def main() -> None:
    """Train, and leave the weights where the judge looks for them."""
    with open(os.path.join(os.environ["ASSAY_DATA"], "points.csv"), encoding="utf-8") as file:
        rows = [(float(x), float(y)) for x, y in csv.reader(file)]
    points = random.Random(int(os.environ["ASSAY_SEED"])).sample(rows, POINTS)
    weights = [0.0] * (DEGREE + 1)
    for _ in range(STEPS):
        gradient = [WEIGHT_DECAY * weight for weight in weights]
        for x, y in points:
            error = sum(weight * x**power for power, weight in enumerate(weights)) - y
            for power in range(DEGREE + 1):
                gradient[power] += 2 * error * x**power / len(points)
        weights = [weight - LEARNING_RATE * slope for weight, slope in zip(weights, gradient, strict=True)]
    with open(os.path.join(os.environ["ASSAY_OUTPUT"], "weights.json"), "w", encoding="utf-8") as file:
        json.dump(weights, file)


if __name__ == "__main__":
    main()
