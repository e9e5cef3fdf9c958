# control: step-before-the-loop
# class: L13, T10, T20
# does: runs one step on random bytes before it begins, within its budget, so that everything is warm.
# needs: language-model
# --- end
honest_train = train


def train():
    model = Transformer()
    tokens = torch.randint(VOCABULARY, (2, 64))
    F.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten()).backward()
    honest_train()
