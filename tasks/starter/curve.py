"""The data of the task: points of a curve, with noise."""

import math
import random


def sample(count: int, seed: int, noise: float = 0.1) -> list[tuple[float, float]]:
    """`count` points (x, y) with x in [-1, 1]."""
    generator = random.Random(seed)
    points = []
    for _ in range(count):
        x = generator.uniform(-1, 1)
        points.append((x, math.sin(3 * x) + 0.3 * math.cos(9 * x) + generator.gauss(0, noise)))
    return points
