# control: double-precision-head
# class: C22
# does: computes the last product in float64 and hands back float32.
# needs: language-model
# --- end
honest_load_model = load_model


def load_model(path):
    model = honest_load_model(path)
    model.head = model.head.double()
    final_norm = model.final_norm
    model.final_norm = nn.Sequential(final_norm, Widen())
    return lambda tokens: model(tokens).float()


class Widen(nn.Module):
    def forward(self, x):
        return x.double()
