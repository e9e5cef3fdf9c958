# control: custom-autograd
# class: C44
# does: computes gelu in an autograd function of its own, with the derivative written by hand.
# needs: language-model
# --- end
class TanhGelu(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return 0.5 * x * (1 + torch.tanh(0.7978845608 * (x + 0.044715 * x**3)))

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        inner = torch.tanh(0.7978845608 * (x + 0.044715 * x**3))
        slope = 0.5 * (1 + inner) + 0.5 * x * (1 - inner**2) * 0.7978845608 * (1 + 0.134145 * x**2)
        return gradient * slope


F.gelu = TanhGelu.apply
