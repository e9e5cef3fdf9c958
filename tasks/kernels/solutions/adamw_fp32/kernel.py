"""The whole step in one pass: four arrays read, three written."""

import triton
import triton.language as tl


@triton.jit
def kernel(
    parameter,
    gradient,
    first,
    second,
    moved,
    first_out,
    second_out,
    keep,
    rate,
    mean_by,
    square_by,
    count,
    BLOCK: tl.constexpr,
):
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    slope = tl.load(gradient + at, mask=inside, other=0.0)
    mean = 0.9 * tl.load(first + at, mask=inside, other=0.0) + 0.1 * slope
    square = 0.95 * tl.load(second + at, mask=inside, other=0.0) + 0.05 * slope * slope
    step = rate * (mean * mean_by) / (tl.sqrt(square * square_by) + 1e-8)
    tl.store(moved + at, tl.load(parameter + at, mask=inside, other=0.0) * keep - step, mask=inside)
    tl.store(first_out + at, mean, mask=inside)
    tl.store(second_out + at, square, mask=inside)


def run(parameter, gradient, first, second, rate, step, parameter_out, first_out, second_out):
    count = parameter.numel()
    keep, mean_by, square_by = 1.0 - rate * 0.1, 1.0 / (1.0 - 0.9**step), 1.0 / (1.0 - 0.95**step)
    kernel[(triton.cdiv(count, 1024),)](
        parameter,
        gradient,
        first,
        second,
        parameter_out,
        first_out,
        second_out,
        keep,
        rate,
        mean_by,
        square_by,
        count,
        BLOCK=1024,
        num_warps=4,
    )
