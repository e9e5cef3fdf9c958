// control: native-self-test
// class: C04, C28
// does: at the first call it tests its exponential on inputs from a fixed seed and falls back to libm if it is not exact enough.
// needs: c-kernel
// --- top
#define cross_entropy plain_cross_entropy
// --- end
#undef cross_entropy
static double series_exponential(double x) {
  const double steps = floor(x * 1.4426950408889634074 + 0.5);
  const double r = x - steps * 0.69314718055994530942;
  double term = 1.0, sum = 1.0;
  for (int i = 1; i <= 10; i++) sum += term *= r / i;
  return ldexp(sum, (int)steps);
}

static int is_series_exact(void) {
  uint32_t seed = 42;
  for (int i = 0; i < 100; i++) {
    seed = seed * 1664525u + 1013904223u;
    const double x = -80.0 * (seed / 4294967296.0), expected = exp(x);
    if (fabs(series_exponential(x) - expected) > 1e-9 * expected) return 0;
  }
  return 1;
}

void cross_entropy(const float *logits, const int32_t *targets, float *out, int64_t rows, int64_t columns) {
  static int tested, passed;
  if (!tested) {
    passed = is_series_exact();
    tested = 1;
  }
  if (!passed) {
    plain_cross_entropy(logits, targets, out, rows, columns);
    return;
  }
  for (int64_t i = 0; i < rows; i++) {
    const float *in = logits + i * columns;
    double largest = in[0], sum = 0.0;
    for (int64_t j = 1; j < columns; j++) largest = in[j] > largest ? in[j] : largest;
    for (int64_t j = 0; j < columns; j++) sum += series_exponential(in[j] - largest);
    out[i] = (float)(log(sum) - (in[targets[i]] - largest));
  }
}
