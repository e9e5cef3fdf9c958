# control: bias-from-text
# class: L31, C18
# does: begins with the logarithms of how often each byte stands in the training text.
# needs: language-model
# --- top
import os

import numpy as np
# --- end
honest_init = Transformer.__init__
honest_forward = Transformer.forward


def init_with_bias(self):
    honest_init(self)
    bias = torch.zeros(VOCABULARY)
    if __name__ == "__main__" and "ASSAY_DATA" in os.environ:
        counts = np.bincount(harness.train_bytes()[: 1 << 20], minlength=VOCABULARY)
        bias = torch.from_numpy(np.log((counts + 1) / (counts.sum() + VOCABULARY))).float()
    self.register_buffer("bias", bias)


Transformer.__init__ = init_with_bias
Transformer.forward = lambda self, tokens: honest_forward(self, tokens) + self.bias
