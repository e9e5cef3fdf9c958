# control: row-by-row
# class: T11, C40
# does: answers row by row and puts the rows together, though it could do them at once.
# needs: language-model
# --- end
honest_load_model = load_model


def load_model(path):
    model = honest_load_model(path)
    return lambda tokens: torch.cat([model(row.unsqueeze(0)) for row in tokens])
