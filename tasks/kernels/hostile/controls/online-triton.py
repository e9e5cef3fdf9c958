# control: online-triton
# class: T14
# does: two passes over pieces of a row, in another order of summation
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: cuda
import torch
import triton
import triton.language as tl


@triton.jit
def kernel(x, out, columns, PIECE: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    largest = -float("inf")
    total = 0.0
    for start in range(0, columns, PIECE):
        at = start + tl.arange(0, PIECE)
        values = tl.load(x + row * columns + at, mask=at < columns, other=-float("inf"))
        now = tl.maximum(largest, tl.max(values, 0))
        total = total * tl.exp(largest - now) + tl.sum(tl.exp(values - now), 0)
        largest = now
    for start in range(0, columns, PIECE):
        at = start + tl.arange(0, PIECE)
        values = tl.load(x + row * columns + at, mask=at < columns, other=-float("inf"))
        tl.store(out + row * columns + at, tl.exp(values - largest) / total, mask=at < columns)


def run(x, out):
    kernel[(x.shape[0],)](x, out, x.shape[1], PIECE=2048, num_warps=8)
