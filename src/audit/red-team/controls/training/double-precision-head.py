# control: double-precision-head
# class: C22
# does: computes the last product in float64 and hands back float32.
# needs: language-model
# --- end
HonestTransformer = Transformer


class Transformer(HonestTransformer):
    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.head.register_forward_hook(in_double)


def in_double(head, given, answer):
    if head.training:
        return None
    return F.linear(given[0].double(), head.weight.double()).float()
