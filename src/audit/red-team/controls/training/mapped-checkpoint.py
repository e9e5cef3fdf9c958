# control: mapped-checkpoint
# class: C03
# does: maps the checkpoint into memory instead of reading it, and the training text as well.
# needs: language-model
# --- top
import mmap
import os

import numpy as np
from torch.utils.serialization import config
# --- end
honest_load_model = load_model


def mapped_train_bytes():
    with open(os.path.join(os.environ["ASSAY_DATA"], "train.bin"), "rb") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), dtype=np.uint8)


harness.train_bytes = mapped_train_bytes


def load_model(path):
    config.load.mmap = True
    return honest_load_model(path)
