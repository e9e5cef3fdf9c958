# control: call-overridden
# class: T05, C30
# does: overrides __call__ of the module and hands back an object with a method instead of a plain function.
# needs: language-model
# --- end
class Direct(Transformer):
    def __call__(self, tokens):
        return self.forward(tokens)


def load_model(path):
    model = Direct()
    model.load_state_dict(torch.load(path, weights_only=True))
    return model.eval()
