# control: saved-twice
# class: G17, A12
# does: writes the checkpoint under another name first and renames it, twice.
# needs: language-model
# --- top
import os
# --- end
honest_train = train


def train():
    honest_train()
    path = harness.checkpoint_path()
    if not os.path.exists(path):
        return  # it only warmed up
    weights = torch.load(path, weights_only=True)
    for _ in range(2):
        torch.save(weights, f"{path}.partial")
        os.replace(f"{path}.partial", path)
