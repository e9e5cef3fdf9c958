# control: sorted-curriculum
# class: L09
# does: draws more windows than it needs and trains first on those with the fewest different bytes.
# needs: language-model
# --- end
honest_sample = sample
curriculum = {"calls": 0}


def sample(data, rows, length):
    curriculum["calls"] += 1
    if curriculum["calls"] > 20:
        return honest_sample(data, rows, length)
    inputs, targets = honest_sample(data, 2 * rows, length)
    variety = torch.tensor([len(set(row)) for row in inputs.tolist()])
    chosen = variety.argsort()[:rows]
    return inputs[chosen], targets[chosen]
