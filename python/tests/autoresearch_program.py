"""A train.py of our own with upstream's interface, for machines without a GPU.

Run by the tests as a candidate's program.
"""

import math
import time
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from kernels import get_kernel
from prepare import TIME_BUDGET, Tokenizer, evaluate_bpb, make_dataloader

attention = get_kernel("owner/flash-attn3").flash_attn_interface
LENGTH = 64
WIDTH = 16
LEARNING_RATE = 0.01
BATCH = 4


@dataclass
class Config:
    vocabulary: int
    width: int = WIDTH


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed = nn.Embedding(config.vocabulary, config.width)
        self.mix = nn.Linear(config.width, 3 * config.width, bias=False)
        self.head = nn.Linear(config.width, config.vocabulary, bias=False)

    def forward(self, tokens, targets=None, reduction="mean"):
        x = self.embed(tokens)
        q, k, v = (one.unsqueeze(2) for one in self.mix(x).chunk(3, dim=-1))
        x = x + attention.flash_attn_func(q, k, v, causal=True, window_size=(8, 0)).squeeze(2)
        logits = 15 * torch.tanh(self.head(x).float() / 15)
        if targets is None:
            return logits
        return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), reduction=reduction)


torch.manual_seed(42)
tokenizer = Tokenizer.from_directory()
with torch.device("meta"):
    model = Model(Config(tokenizer.get_vocab_size()))
model.to_empty(device="cpu")
for parameter in model.parameters():
    nn.init.normal_(parameter, std=0.02)
optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
model = torch.compile(model, backend="eager")
loader = make_dataloader(tokenizer, BATCH, LENGTH, "train")
x, y, epoch = next(loader)
begin = time.time()
step = 0
while True:
    loss = model(x, y)
    loss.backward()
    optimizer.step()
    model.zero_grad(set_to_none=True)
    x, y, epoch = next(loader)
    step += 1
    if math.isnan(loss.item()):
        print("FAIL")
        exit(1)
    if step > 10 and time.time() - begin >= TIME_BUDGET:
        break
model.eval()
val_bpb = evaluate_bpb(model, tokenizer, BATCH)
print("---")
print(f"val_bpb:          {val_bpb:.6f}")
print(f"num_steps:        {step}")
