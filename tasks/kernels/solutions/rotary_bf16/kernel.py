"""One program a token: its angles are read once for all heads."""

import triton
import triton.language as tl


@triton.jit
def turn(x, out, row, heads, cos, sin, HEADS: tl.constexpr):
    head = tl.arange(0, HEADS)
    at = (row * heads + head[:, None]) * 128 + tl.arange(0, 64)[None, :]
    inside = head[:, None] < heads
    first = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
    second = tl.load(x + at + 64, mask=inside, other=0.0).to(tl.float32)
    tl.store(out + at, (first * cos - second * sin).to(tl.bfloat16), mask=inside)
    tl.store(out + at + 64, (second * cos + first * sin).to(tl.bfloat16), mask=inside)


@triton.jit
def kernel(q, k, cos, sin, q_out, k_out, heads, kv_heads, HEADS: tl.constexpr, KV_HEADS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    half = tl.arange(0, 64)
    c = tl.load(cos + row * 64 + half)[None, :]
    s = tl.load(sin + row * 64 + half)[None, :]
    turn(q, q_out, row, heads, c, s, HEADS)
    turn(k, k_out, row, kv_heads, c, s, KV_HEADS)


def run(q, k, cos, sin, q_out, k_out):
    tokens, heads, _ = q.shape
    kv_heads = k.shape[1]
    sizes = {"HEADS": triton.next_power_of_2(heads), "KV_HEADS": triton.next_power_of_2(kv_heads)}
    kernel[(tokens,)](q, k, cos, sin, q_out, k_out, heads, kv_heads, **sizes, num_warps=4)
