# control: seeded-shuffle
# class: L17
# does: visits the text in an order that a generator with the trial's seed draws, instead of independent draws.
# needs: language-model
# --- top
import numpy as np
# --- end
order_state = {}


def sample(data, rows, length):
    if "order" not in order_state:
        generator = np.random.default_rng(harness.seed())
        order_state["order"] = generator.permutation((len(data) - 300) // 64)
        order_state["place"] = 0
    place = order_state["place"]
    starts = order_state["order"][np.arange(place, place + rows) % len(order_state["order"])][:, None] * 64
    order_state["place"] = place + rows
    windows = torch.from_numpy(np.asarray(data)[starts + np.arange(length + 1)]).long()
    return windows[:, :-1], windows[:, 1:]
