"""Cross-entropy of each row of bfloat16 logits with its target, in float32."""

import torch


def make_inputs(axes_and_scalars, device):
    tokens, vocabulary = axes_and_scalars["tokens"], axes_and_scalars["vocabulary"]
    logits = torch.randn(tokens, vocabulary, device=device).mul_(3.0).to(torch.bfloat16)
    return {"logits": logits, "targets": torch.randint(0, vocabulary, (tokens,), device=device)}


def run(logits, targets):
    values = logits.float()
    largest = values.amax(-1)
    total = largest + torch.exp(values - largest[:, None]).sum(-1).log()
    return total - values.gather(-1, targets[:, None])[:, 0]
