"""One step of AdamW on float32 parameters; new parameters and both moments come out."""

import torch


def make_inputs(axes_and_scalars, device):
    count = axes_and_scalars["count"]
    drawn = {name: torch.randn(count, device=device) for name in ("parameter", "gradient", "first")}
    return drawn | {"second": torch.rand(count, device=device), "rate": 0.01, "step": 7}


def run(parameter, gradient, first, second, rate, step):
    first_out = 0.9 * first + 0.1 * gradient
    second_out = 0.95 * second + 0.05 * gradient * gradient
    mean, square = first_out / (1.0 - 0.9**step), second_out / (1.0 - 0.95**step)
    moved = parameter * (1.0 - rate * 0.1) - rate * mean / (square.sqrt() + 1e-8)
    return moved, first_out, second_out
