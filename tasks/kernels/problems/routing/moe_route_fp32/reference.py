"""Routing of tokens to experts: softmax over all, the two best, their weights made to sum to one."""

import torch


def run(logits):
    shares = torch.softmax(logits, dim=-1)
    best, chosen = torch.topk(shares, 2, dim=-1, sorted=True)
    return best / best.sum(-1, keepdim=True), chosen
