// control: native-pairwise-sum
// class: C17
// does: sums halves of a row by recursion: every element counts, in another order.
// needs: c-kernel
// --- top
#define cross_entropy plain_cross_entropy
// --- end
#undef cross_entropy
static float pairwise_sum(const float *values, float largest, int64_t count) {
  if (count > 16) return pairwise_sum(values, largest, count / 2) + pairwise_sum(values + count / 2, largest, count - count / 2);
  float sum = 0.0f;
  for (int64_t i = 0; i < count; i++) sum += expf(values[i] - largest);
  return sum;
}

void cross_entropy(const float *logits, const int32_t *targets, float *out, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    const float *in = logits + i * columns;
    float largest = in[0];
    for (int64_t j = 1; j < columns; j++) largest = in[j] > largest ? in[j] : largest;
    out[i] = logf(pairwise_sum(in, largest, columns)) - (in[targets[i]] - largest);
  }
}
