"""Each token through the matrix of its own expert; tokens come sorted by expert."""

import torch


def make_inputs(axes_and_scalars, device):
    tokens, experts = axes_and_scalars["tokens"], axes_and_scalars["experts"]
    hidden, inner = axes_and_scalars["hidden"], axes_and_scalars["inner"]
    owner = torch.randint(0, experts, (tokens,), device=device)
    ends = torch.bincount(owner, minlength=experts).cumsum(0).to(torch.int32)
    x = torch.randn(tokens, hidden, device=device).to(torch.bfloat16)
    weight = torch.randn(experts, inner, hidden, device=device).to(torch.bfloat16)
    return {"x": x, "weight": weight, "ends": ends}


def run(x, weight, ends):
    out = torch.empty(x.shape[0], weight.shape[1], dtype=x.dtype, device=x.device)
    start = 0
    for expert, end in enumerate(ends.tolist()):
        out[start:end] = x[start:end] @ weight[expert].T
        start = end
    return out
