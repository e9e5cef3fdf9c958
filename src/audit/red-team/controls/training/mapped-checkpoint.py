# control: mapped-checkpoint
# class: C03
# does: maps the checkpoint into memory instead of reading it, and the training text as well.
# needs: language-model
# --- top
import mmap
import os
# --- end
honest_train_bytes = harness.train_bytes


def mapped_train_bytes():
    with open(os.path.join(os.environ["ASSAY_DATA"], "train.bin"), "rb") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), dtype=np.uint8)


harness.train_bytes = mapped_train_bytes


def load_model(path):
    model = Transformer()
    model.load_state_dict(torch.load(path, weights_only=True, mmap=True))
    return model.eval()
