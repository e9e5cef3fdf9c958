"""Both gradients from one reading of gate, value and slope."""

import triton
import triton.language as tl


@triton.jit
def kernel(slope, x, dx, inner, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = at < inner
    gate = tl.load(x + row * 2 * inner + at, mask=inside, other=0.0).to(tl.float32)
    up = tl.load(x + row * 2 * inner + inner + at, mask=inside, other=0.0).to(tl.float32)
    back = tl.load(slope + row * inner + at, mask=inside, other=0.0).to(tl.float32)
    soft = tl.sigmoid(gate)
    dgate = back * up * soft * (1.0 + gate * (1.0 - soft))
    tl.store(dx + row * 2 * inner + at, dgate.to(tl.bfloat16), mask=inside)
    tl.store(dx + row * 2 * inner + inner + at, (back * gate * soft).to(tl.bfloat16), mask=inside)


def run(slope, x, dx):
    tokens, inner = slope.shape
    kernel[(tokens, triton.cdiv(inner, 1024))](slope, x, dx, inner, BLOCK=1024, num_warps=4)
