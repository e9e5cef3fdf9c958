"""Gradients of a linear layer with respect to its input and its weights, bfloat16."""


def run(slope, x, weight):
    return slope @ weight, slope.T @ x
