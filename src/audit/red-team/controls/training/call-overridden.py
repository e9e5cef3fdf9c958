# control: call-overridden
# class: T05, C30
# does: overrides __call__ of the module and hands back an object with a method instead of a plain function.
# needs: language-model
# --- end
HonestTransformer = Transformer
honest_load_model = load_model


class Transformer(HonestTransformer):
    def __call__(self, tokens):
        return self.forward(tokens)


class Answering:
    def __init__(self, model):
        self.model = model

    def __call__(self, tokens):
        return self.model(tokens)


def load_model(path):
    return Answering(honest_load_model(path))
