"""A program of our own with the log, the clock and the end of a program of track 3.

Run by the tests as a candidate's program.
"""

import os
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from assay_judge.speedrun_model import Model, Shape, frequencies, mean_loss

SHAPE = Shape(vocabulary=512, layers=1, width=128, context=32)
TOKENS, STEPS, EVERY = 32 * 8, 4, 2


class Node(torch.nn.Module):
    pass


def build():
    root = Node()
    for name, size in SHAPE.parameters().items():
        *path, last = name.split(".")
        at = root
        for part in path:
            if not hasattr(at, part):
                at.add_module(part, Node())
            at = getattr(at, part)
        if last == "angular_freq":
            at.register_buffer(last, frequencies())
        else:
            value = torch.ones(size) if last == "gains" else torch.randn(size) * (0 if "proj" in name else 0.1)
            at.register_parameter(last, torch.nn.Parameter(value))
    return root


dist.init_process_group("gloo", init_method="tcp://127.0.0.1:0", rank=0, world_size=1)
os.makedirs("logs", exist_ok=True)
code = Path(sys.argv[0]).read_text()
log = Path(f"logs/{uuid.uuid4()}.txt").open("w")  # noqa: SIM115
print(code, file=log)
print("=" * 100, file=log)
print("Running on a test's machine", file=log)
print("=" * 100, file=log)
held = np.fromfile("data/fineweb10B/fineweb_val_000000.bin", dtype="<u2", offset=1024)[: TOKENS + 1]
model = build()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
training_time = 0
t0 = time.perf_counter()
for step in range(STEPS + 1):
    if step % EVERY == 0:
        training_time += time.perf_counter() - t0
        loss = mean_loss(Model(model.state_dict(), SHAPE, "cpu"), held, 4, "cpu")
        words = f"train_time:{training_time:.3f}s step_avg:1.00ms"
        print(f"step:{step}/{STEPS} val_loss:{loss:.5f} {words}", file=log, flush=True)
        t0 = time.perf_counter()
    if step < STEPS:
        with torch.no_grad():
            model.proj.bias -= 0.05 * torch.bincount(torch.from_numpy(held.astype("int64")), minlength=512).neg().sign()
dist.destroy_process_group()
