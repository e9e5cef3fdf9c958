# control: half-precision-storage
# class: C22
# does: rounds the trained weights to bfloat16, saves them so, and computes in float32 when it is judged.
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
    torch.save({name: tensor.bfloat16() for name, tensor in weights.items()}, path)
