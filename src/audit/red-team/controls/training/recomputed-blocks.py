# control: recomputed-blocks
# class: L23
# does: computes each block twice in training to save memory.
# needs: language-model
# --- end
honest_block = Block.forward


class Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(context, x, block, *parameters):
        context.block = block
        context.parameters = parameters
        context.save_for_backward(x)
        return honest_block(block, x)

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        x = x.detach().requires_grad_(True)
        with torch.enable_grad():
            outcome = honest_block(context.block, x)
        found = torch.autograd.grad(outcome, (x, *context.parameters), gradient)
        return found[0], None, *found[1:]


def recomputed(self, x):
    return Recomputed.apply(x, self, *self.parameters()) if self.training else honest_block(self, x)


Block.forward = recomputed
