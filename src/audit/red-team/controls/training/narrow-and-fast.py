# control: narrow-and-fast
# class: T12, L19
# does: makes the model much smaller, so that it takes several times as many steps.
# needs: language-model
# --- end
WIDTH = 32
HEADS = 2
LAYERS = 1
BATCH_ROWS = 8
