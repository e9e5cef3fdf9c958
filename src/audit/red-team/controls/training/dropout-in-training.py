# control: dropout-in-training
# class: C28, T10
# does: drops values in training only; when it is judged nothing is random.
# needs: language-model
# --- end
honest_mlp = MLP.forward


def mlp_with_dropout(self, x):
    return F.dropout(honest_mlp(self, x), 0.05, training=self.training)


MLP.forward = mlp_with_dropout
