# control: average-at-the-end
# class: L31
# does: keeps a moving average of the weights and hands that in instead of the last ones.
# needs: language-model
# --- end
honest_make_optimizers = make_optimizers


class Averaged:
    def __init__(self, model):
        self.parameters = list(model.parameters())
        self.averages = [parameter.detach().clone() for parameter in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, factor):
        self.steps += 1
        decay = min(0.9, self.steps / (self.steps + 10))
        for parameter, average in zip(self.parameters, self.averages, strict=True):
            average.lerp_(parameter, 1 - decay)


averaged = []


def make_optimizers(model):
    averaged.append(Averaged(model))
    return [*honest_make_optimizers(model), averaged[-1]]


honest_state = Transformer.state_dict


def averaged_state(self, *arguments, **options):
    state = honest_state(self, *arguments, **options)
    if averaged and not arguments and not options:
        pairs = zip(averaged[-1].parameters, averaged[-1].averages, strict=True)
        of_parameter = {parameter.data_ptr(): average for parameter, average in pairs}
        state = {name: of_parameter.get(tensor.data_ptr(), tensor) for name, tensor in state.items()}
    return state


Transformer.state_dict = averaged_state
