# control: two-views
# class: L09, C23
# does: answers with the mean of the model at two temperatures, which costs as much again.
# needs: language-model
# --- end
honest_load_model = load_model


def load_model(path):
    model = honest_load_model(path)

    def mixed(tokens):
        sharp = F.log_softmax(1.05 * model(tokens), -1)
        flat = F.log_softmax(0.95 * model(tokens), -1)
        return torch.logaddexp(sharp, flat)

    return mixed
