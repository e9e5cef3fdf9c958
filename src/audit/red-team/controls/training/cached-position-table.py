# control: cached-position-table
# class: C01, C08
# does: computes a table that depends on the length only, once, and keeps it for later calls.
# needs: language-model
# --- top
import functools
# --- end
honest_forward = Transformer.forward


@functools.lru_cache(maxsize=8)
def fading(length):
    places = torch.arange(length, dtype=torch.float32)
    return (1 - 0.05 * torch.exp(-places / 16)).view(1, length, 1)


def forward_with_table(self, tokens):
    return honest_forward(self, tokens) * fading(tokens.shape[1])


Transformer.forward = forward_with_table
