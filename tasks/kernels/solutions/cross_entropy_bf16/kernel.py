"""A row in pieces with a running largest and sum, so that it is read once."""

import triton
import triton.language as tl


@triton.jit
def kernel(logits, targets, loss, vocabulary, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    start = logits + row * vocabulary
    largest = tl.full((BLOCK,), -float("inf"), tl.float32)
    total = tl.zeros((BLOCK,), tl.float32)
    for piece in range(0, vocabulary, BLOCK):
        at = piece + tl.arange(0, BLOCK)
        values = tl.load(start + at, mask=at < vocabulary, other=-float("inf")).to(tl.float32)
        now = tl.maximum(largest, values)
        # A lane that has seen nothing yet has -inf twice, whose difference is no number.
        safe = tl.where(now == -float("inf"), 0.0, now)
        total = total * tl.exp(largest - safe) + tl.exp(values - safe)
        largest = now
    most = tl.max(largest, 0)
    everything = tl.sum(total * tl.exp(largest - most), 0)
    wanted = tl.load(start + tl.load(targets + row)).to(tl.float32)
    tl.store(loss + row, most + tl.log(everything) - wanted)


def run(logits, targets, loss):
    tokens, vocabulary = logits.shape
    block = min(4096, triton.next_power_of_2(vocabulary))
    kernel[(tokens,)](logits, targets, loss, vocabulary, BLOCK=block, num_warps=8)
