// control: native-double-sums
// class: C22
// does: all four kernels with sums, and the rest, in double: slower, as exact as the output can be.
// needs: c-kernel
// --- top
#define softmax plain_softmax
#define rms_norm plain_rms_norm
#define matmul_gelu plain_matmul_gelu
#define cross_entropy plain_cross_entropy
// --- end
#undef softmax
#undef rms_norm
#undef matmul_gelu
#undef cross_entropy
static double double_sum_of_powers(const float *in, double *largest, int64_t columns) {
  double sum = 0.0;
  *largest = in[0];
  for (int64_t j = 1; j < columns; j++) *largest = fmax(*largest, in[j]);
  for (int64_t j = 0; j < columns; j++) sum += exp(in[j] - *largest);
  return sum;
}

void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    double largest;
    const double sum = double_sum_of_powers(x + i * columns, &largest, columns);
    for (int64_t j = 0; j < columns; j++) out[i * columns + j] = (float)(exp(x[i * columns + j] - largest) / sum);
  }
}

void rms_norm(const float *x, const float *weight, float *out, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    double sum = 0.0;
    for (int64_t j = 0; j < columns; j++) sum += (double)x[i * columns + j] * x[i * columns + j];
    const double root = sqrt(sum / (double)columns + 1e-6);
    for (int64_t j = 0; j < columns; j++) out[i * columns + j] = (float)((double)x[i * columns + j] * weight[j] / root);
  }
}

void matmul_gelu(const float *a, const float *b, const float *bias, float *out, int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i < m; i++) {
    for (int64_t j = 0; j < n; j++) {
      double v = bias[j];
      for (int64_t p = 0; p < k; p++) v += (double)a[i * k + p] * b[p * n + j];
      out[i * n + j] = (float)(0.5 * v * (1.0 + tanh(0.79788456080286535588 * (v + 0.044715 * v * v * v))));
    }
  }
}

void cross_entropy(const float *logits, const int32_t *targets, float *out, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    double largest;
    const double sum = double_sum_of_powers(logits + i * columns, &largest, columns);
    out[i] = (float)(log(sum) + largest - logits[i * columns + targets[i]]);
  }
}
