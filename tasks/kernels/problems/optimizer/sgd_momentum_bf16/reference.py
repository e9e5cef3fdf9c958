"""One step of Nesterov momentum with weight decay: bfloat16 parameters and gradients, float32 momentum."""


def run(parameter, gradient, momentum):
    slope = gradient.float() + 0.01 * parameter.float()
    momentum_out = 0.9 * momentum + slope
    moved = parameter.float() - 0.02 * (slope + 0.9 * momentum_out)
    return moved.to(parameter.dtype), momentum_out
