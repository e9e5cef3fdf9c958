"""Five Newton-Schulz steps (3.4445, -4.7750, 2.0315) that make a gradient nearly orthogonal, as in Muon."""


def run(gradient):
    values = gradient.float()
    x = (values / (values.norm() + 1e-7)).to(gradient.dtype)
    for _ in range(5):
        square = x @ x.T
        mixed = -4.7750 * square + 2.0315 * (square @ square)
        x = 3.4445 * x + mixed @ x
    return x
