# control: capped-logits
# class: L04, C31
# does: caps logits smoothly at 12.
# needs: language-model
# --- end
honest_forward = Transformer.forward


def capped_forward(self, tokens):
    return 12 * torch.tanh(honest_forward(self, tokens) / 12)


Transformer.forward = capped_forward
