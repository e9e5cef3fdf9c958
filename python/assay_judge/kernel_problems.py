"""The four kernels as the judge knows them: sizes, inputs, exact results, and errors in units of float32.

Only the judge has this. Everything is drawn from a generator with a secret seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

EPSILON = float(np.finfo(np.float32).eps)
RMS_EPSILON = 1e-6
SMALLEST = float(np.finfo(np.float32).tiny)

Sizes = tuple[int, ...]
Arrays = list[np.ndarray]
Generator = np.random.Generator


@dataclass(frozen=True)
class Exact:
    """Results in float64, and for each the error that one rounding of float32 may cause."""

    values: np.ndarray
    unit: np.ndarray


@dataclass(frozen=True)
class Problem:
    name: str
    declared: tuple[Sizes, ...]
    distributions: tuple[str, ...]
    draw: Callable[[Generator, str, Sizes], Arrays]
    exact: Callable[[Arrays], Exact]
    output_shape: Callable[[Sizes], Sizes]
    floor: float
    """Errors, in units, that an honest implementation may have where the plain one is exact by luck."""

    def bytes_moved(self, sizes: Sizes) -> int:
        """The least number of bytes that a call must read and write."""
        return 4 * (sum(count for count in self.input_counts(sizes)) + int(np.prod(self.output_shape(sizes))))

    def input_counts(self, sizes: Sizes) -> list[int]:
        if self.name == "matmul_gelu":
            m, n, k = sizes
            return [m * k, k * n, n]
        rows, columns = sizes
        second = {"softmax": [], "rms_norm": [columns], "cross_entropy": [rows]}[self.name]
        return [rows * columns, *second]

    def flops(self, sizes: Sizes) -> int:
        """Multiplications and additions that no algorithm in use avoids; 0 where bytes are the limit."""
        return 2 * sizes[0] * sizes[1] * sizes[2] if self.name == "matmul_gelu" else 0


DISTRIBUTIONS = ("normal", "scaled", "shifted", "constant-rows", "ties", "spikes", "sparse", "mixed-rows", "ramp")
LARGE = (*DISTRIBUTIONS, "large")


def draw_matrix(generator: Generator, distribution: str, rows: int, columns: int) -> np.ndarray:
    """float32 [rows, columns] of a distribution by name."""
    x = generator.standard_normal((rows, columns), dtype=np.float32)
    scale = np.float32(10.0 ** generator.uniform(-3.0, np.log10(64.0)))
    if distribution == "scaled":
        x *= scale
    elif distribution == "shifted":
        x += np.float32(generator.uniform(-20.0, 20.0))
    elif distribution == "constant-rows":
        chosen = generator.random(rows) < 0.5
        x[chosen] = generator.uniform(-8.0, 8.0, (int(chosen.sum()), 1)).astype(np.float32)
    elif distribution == "ties":
        values = generator.standard_normal(5).astype(np.float32)
        x = values[generator.integers(0, 5, (rows, columns))]
    elif distribution == "spikes":
        # Some rows get a few elements that outweigh all others.
        count = max(1, rows * columns // 100)
        places = generator.integers(0, rows * columns, count)
        x.reshape(-1)[places] *= generator.uniform(5.0, 60.0, count).astype(np.float32)
    elif distribution == "sparse":
        x *= generator.random((rows, columns), dtype=np.float32) < 0.06
    elif distribution == "mixed-rows":
        x *= (10.0 ** generator.uniform(-3.0, 1.5, (rows, 1))).astype(np.float32)
    elif distribution == "ramp":
        x *= np.float32(0.01)
        x += np.linspace(-4.0, 4.0, columns, dtype=np.float32)[:: int(generator.choice((-1, 1)))]
    elif distribution == "large":
        x *= np.float32(generator.uniform(20.0, 40.0))
        x += np.float32(generator.uniform(-300.0, 300.0))
    return np.ascontiguousarray(x)


def _draw_softmax(generator: Generator, distribution: str, sizes: Sizes) -> Arrays:
    return [draw_matrix(generator, distribution, *sizes)]


def _exact_softmax(inputs: Arrays) -> Exact:
    x = inputs[0].astype(np.float64)
    x -= x.max(axis=1, keepdims=True)
    values = np.exp(x)
    values /= values.sum(axis=1, keepdims=True)
    # The argument of the exponential is rounded, so its error grows with the argument.
    unit = EPSILON * values * (1.0 - x) + SMALLEST
    return Exact(values, unit)


def _draw_rms_norm(generator: Generator, distribution: str, sizes: Sizes) -> Arrays:
    weight = generator.standard_normal(sizes[1], dtype=np.float32) + np.float32(generator.uniform(-1.0, 1.0))
    return [draw_matrix(generator, distribution, *sizes), weight]


def _exact_rms_norm(inputs: Arrays) -> Exact:
    x = inputs[0].astype(np.float64)
    squares = np.einsum("ij,ij->i", x, x) / x.shape[1]
    values = x / np.sqrt(squares + RMS_EPSILON)[:, None] * inputs[1].astype(np.float64)
    return Exact(values, EPSILON * np.abs(values) + SMALLEST)


def _draw_matmul_gelu(generator: Generator, distribution: str, sizes: Sizes) -> Arrays:
    m, n, k = sizes
    a = draw_matrix(generator, distribution, m, k)
    b = generator.standard_normal((k, n), dtype=np.float32)
    b *= np.float32(k**-0.5 * 10.0 ** generator.uniform(-0.5, 0.5))
    bias = generator.standard_normal(n, dtype=np.float32)
    return [a, b, bias]


def _exact_matmul_gelu(inputs: Arrays) -> Exact:
    a, b, bias = inputs
    x = a.astype(np.float64) @ b.astype(np.float64) + bias.astype(np.float64)
    values = 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)))
    # A sum that starts from a large bias rounds it k times, in random directions, and is honest too.
    unit = np.abs(a) @ np.abs(b) + np.abs(bias) * max(1.0, 0.5 * a.shape[1] ** 0.5)
    return Exact(values, EPSILON * unit.astype(np.float64) + SMALLEST)


def _draw_cross_entropy(generator: Generator, distribution: str, sizes: Sizes) -> Arrays:
    logits = draw_matrix(generator, distribution, *sizes)
    targets = generator.integers(0, sizes[1], sizes[0], dtype=np.int32)
    # Where the target is the largest the loss is small, and an error in it is easy to see.
    best = generator.random(sizes[0]) < 0.25
    targets[best] = logits[best].argmax(axis=1)
    return [logits, targets]


def _exact_cross_entropy(inputs: Arrays) -> Exact:
    x = inputs[0].astype(np.float64)
    largest = x.max(axis=1)
    sums = np.exp(x - largest[:, None]).sum(axis=1)
    chosen = np.take_along_axis(x, inputs[1][:, None].astype(np.int64), axis=1)[:, 0]
    values = np.log(sums) + largest - chosen
    # log(sum) + largest - chosen may be taken in any order.
    return Exact(values, EPSILON * (1.0 + np.abs(values) + np.abs(largest) + np.abs(chosen)))


PROBLEMS = (
    Problem("softmax", ((256, 768), (96, 2048)), LARGE, _draw_softmax, _exact_softmax, lambda sizes: sizes, 4.0),
    Problem(
        "rms_norm", ((256, 896), (448, 512)), DISTRIBUTIONS, _draw_rms_norm, _exact_rms_norm, lambda sizes: sizes, 3.0
    ),
    Problem(
        "matmul_gelu",
        ((128, 128, 128), (96, 160, 144)),
        DISTRIBUTIONS,
        _draw_matmul_gelu,
        _exact_matmul_gelu,
        lambda sizes: (sizes[0], sizes[1]),
        3.0,
    ),
    Problem(
        "cross_entropy",
        ((256, 768), (96, 2048)),
        LARGE,
        _draw_cross_entropy,
        _exact_cross_entropy,
        lambda sizes: (sizes[0],),
        1.0,
    ),
)


def nearby(generator: Generator, sizes: Sizes) -> Sizes:
    """Secret sizes of about the same work: every size moved by up to a sixth, most of them odd or prime."""
    moved = []
    for size in sizes:
        near = max(1, int(size * generator.uniform(0.84, 1.16)))
        kind = generator.integers(4)
        moved.append(next_prime(near) if kind == 0 else near | 1 if kind in (1, 2) else near)
    return tuple(moved)


def tiny(generator: Generator, sizes: Sizes, turn: int) -> Sizes:
    """Sizes at the lower end, where loops have no whole step. One of them is 1: the first in turn 0, else any other."""
    small = (2, 3, 5, 7, 9, 15, 17, 31, 33)
    single = 0 if turn == 0 else int(generator.integers(1, len(sizes)))
    return tuple(1 if place == single else int(generator.choice(small)) for place in range(len(sizes)))


def next_prime(number: int) -> int:
    while any(number % divisor == 0 for divisor in range(2, int(number**0.5) + 1)) or number < 2:
        number += 1
    return number


def change_one(generator: Generator, problem: Problem, inputs: Arrays) -> Arrays:
    """The same inputs but for one random element, which changes a result by far more than rounding does."""
    changed = [array.copy() for array in inputs]
    if problem.name == "cross_entropy" and generator.random() < 0.5:
        row = int(generator.integers(len(inputs[1])))
        logits = inputs[0][row]
        others = np.flatnonzero(np.abs(logits - logits[inputs[1][row]]) > 0.5)
        if len(others):
            changed[1][row] = generator.choice(others)
            return changed
    which = 0 if problem.name in ("softmax", "cross_entropy") else int(generator.integers(2))
    flat = changed[which].reshape(-1)
    place = int(generator.integers(len(flat)))
    if which == 0 and problem.name != "matmul_gelu":
        row = inputs[0][place // inputs[0].shape[1]]
        flat[place] = row.max() + 2.0 * (1.0 + np.abs(row).max() * (problem.name == "rms_norm"))
    else:
        flat[place] += np.float32(4.0) * (1.0 + np.abs(inputs[which]).max())
    return changed
