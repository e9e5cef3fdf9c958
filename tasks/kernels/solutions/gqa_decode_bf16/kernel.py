"""Splits the cache over programs, all query heads of a key head in one; a second kernel joins the parts."""

import torch
import triton
import triton.language as tl


@triton.jit
def parts(q, k, v, sums, tops, totals, length, heads, kv_heads, scale, each, SHARED: tl.constexpr, TILE: tl.constexpr):
    batch, group, split = tl.program_id(0).to(tl.int64), tl.program_id(1), tl.program_id(2)
    splits = tl.num_programs(2)
    sharing = heads // kv_heads
    head = tl.arange(0, SHARED)
    dim = tl.arange(0, 128)
    row = batch * heads + group * sharing + head
    mine = head < sharing
    query = tl.load(q + row[:, None] * 128 + dim[None, :], mask=mine[:, None], other=0.0)
    top = tl.full((SHARED,), -float("inf"), tl.float32)
    total = tl.zeros((SHARED,), tl.float32)
    result = tl.zeros((SHARED, 128), tl.float32)
    end = tl.minimum(split * each + each, length)
    for start in range(split * each, end, TILE):
        at = start + tl.arange(0, TILE)
        place = ((batch * length + at) * kv_heads + group) * 128
        inside = at < end
        keys = tl.load(k + place[:, None] + dim[None, :], mask=inside[:, None], other=0.0)
        scores = tl.dot(query, tl.trans(keys)) * scale
        scores = tl.where(inside[None, :], scores, -float("inf"))
        now = tl.maximum(top, tl.max(scores, 1))
        shares = tl.exp(scores - now[:, None])
        fade = tl.exp(top - now)
        values = tl.load(v + place[:, None] + dim[None, :], mask=inside[:, None], other=0.0)
        result = result * fade[:, None] + tl.dot(shares.to(tl.bfloat16), values)
        total = total * fade + tl.sum(shares, 1)
        top = now
    part = row * splits + split
    tl.store(sums + part[:, None] * 128 + dim[None, :], result, mask=mine[:, None])
    tl.store(tops + part, top, mask=mine)
    tl.store(totals + part, total, mask=mine)


@triton.jit
def join(sums, tops, totals, out, splits, SPLITS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    dim = tl.arange(0, 128)
    part = tl.arange(0, SPLITS)
    inside = part < splits
    top = tl.load(tops + row * splits + part, mask=inside, other=-float("inf"))
    fade = tl.exp(top - tl.max(top, 0))
    total = tl.sum(tl.load(totals + row * splits + part, mask=inside, other=0.0) * fade, 0)
    at = (row * splits + part[:, None]) * 128 + dim[None, :]
    values = tl.load(sums + at, mask=inside[:, None], other=0.0)
    tl.store(out + row * 128 + dim, (tl.sum(values * fade[:, None], 0) / total).to(tl.bfloat16))


def run(q, k, v, out):
    batch, heads, _ = q.shape
    length, kv_heads = k.shape[1], k.shape[2]
    splits = max(1, min(32, length // 256, 1056 // (batch * kv_heads) + 1))
    each = triton.cdiv(triton.cdiv(length, splits), 64) * 64
    splits = triton.cdiv(length, each)
    sums = torch.empty(batch * heads * splits * 128, dtype=torch.float32, device=q.device)
    tops, totals = torch.empty(2, batch * heads * splits, dtype=torch.float32, device=q.device)
    parts[(batch, kv_heads, splits)](
        q,
        k,
        v,
        sums,
        tops,
        totals,
        length,
        heads,
        kv_heads,
        128**-0.5,
        each,
        SHARED=max(16, triton.next_power_of_2(heads // kv_heads)),
        TILE=64,
        num_warps=4,
        num_stages=3,
    )
    join[(batch * heads,)](sums, tops, totals, out, splits, SPLITS=triton.next_power_of_2(splits), num_warps=4)
