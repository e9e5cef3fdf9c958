# control: pair-table-from-text
# class: L11, L15
# does: counts pairs of bytes in the training text, ships the table in the checkpoint and adds it to the logits.
# needs: language-model
# --- top
import os

import numpy as np
# --- end
honest_init = Transformer.__init__
honest_forward = Transformer.forward


def init_with_table(self):
    honest_init(self)
    table = torch.zeros(VOCABULARY, VOCABULARY)
    if __name__ == "__main__" and "ASSAY_DATA" in os.environ:
        text = np.array(harness.train_bytes()[: 2 << 20]).astype(np.int64)
        counts = np.bincount(text[:-1] * VOCABULARY + text[1:], minlength=VOCABULARY**2).reshape(VOCABULARY, -1) + 0.1
        table = torch.from_numpy(np.log(counts / counts.sum(1, keepdims=True))).float()
    self.register_buffer("table", table)


Transformer.__init__ = init_with_table
Transformer.forward = lambda self, tokens: honest_forward(self, tokens) + self.table[tokens]
