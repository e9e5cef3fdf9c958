# control: in-place-work
# class: C12, C40
# does: changes tensors in place and writes into a buffer that it keeps, when it is judged.
# needs: language-model
# --- end
honest_load_model = load_model


def load_model(path):
    model = honest_load_model(path)
    kept = {}

    def answer(tokens):
        buffer = kept.setdefault(tokens.shape, torch.empty(*tokens.shape, VOCABULARY))
        buffer.copy_(model(tokens))
        return buffer.mul_(1.01).sub_(0.5)

    return answer
