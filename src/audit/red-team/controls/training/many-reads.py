# control: many-reads
# class: L07
# does: opens its own training data many times and reads a small piece each time.
# needs: language-model
# --- top
import numpy as np
# --- end
def sample(data, rows, length):
    windows = []
    for start in torch.randint(len(data) - length - 1, (rows,)).tolist():
        with open(data.filename, "rb") as file:
            file.seek(start)
            windows.append(np.frombuffer(file.read(length + 1), dtype=np.uint8))
    stacked = torch.from_numpy(np.stack(windows)).long()
    return stacked[:, :-1], stacked[:, 1:]
