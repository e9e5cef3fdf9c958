# control: autotuned-triton
# class: C43
# does: tries settings in its first calls
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: cuda
import triton
import triton.language as tl


@triton.autotune([triton.Config({}, num_warps=one) for one in (4, 8, 16)], key=["columns"])
@triton.jit
def kernel(x, out, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    values = tl.load(x + row * columns + at, mask=at < columns, other=-float("inf"))
    shifted = tl.exp(values - tl.max(values, 0))
    tl.store(out + row * columns + at, shifted / tl.sum(shifted, 0), mask=at < columns)


def run(x, out):
    kernel[(x.shape[0],)](x, out, x.shape[1], BLOCK=triton.next_power_of_2(x.shape[1]))
