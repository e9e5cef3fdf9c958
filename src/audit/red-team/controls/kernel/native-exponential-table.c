// control: native-exponential-table
// class: T20, C24
// does: exponentials from a table of 64 constants, made once at the first call, and a short polynomial: right to the last bit or two.
// needs: c-kernel
// --- top
#define softmax plain_softmax
// --- end
#undef softmax
static double power_of_two_table[64];
static int is_table_ready;

static double table_exponential(double x) {
  const double scaled = x * 92.332482616893656876; /* 64 / ln 2 */
  const int64_t step = (int64_t)(scaled < 0.0 ? scaled - 0.5 : scaled + 0.5);
  const double rest = (scaled - (double)step) * 0.010830424696249145;
  const double series = 1.0 + rest * (1.0 + rest * (0.5 + rest * (1.0 / 6.0 + rest * (1.0 / 24.0))));
  return ldexp(power_of_two_table[step & 63] * series, (int)(step >> 6));
}

void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  if (!is_table_ready) {
    for (int i = 0; i < 64; i++) power_of_two_table[i] = exp2(i / 64.0);
    is_table_ready = 1;
  }
  for (int64_t i = 0; i < rows; i++) {
    const float *in = x + i * columns;
    float *to = out + i * columns;
    float largest = in[0];
    double sum = 0.0;
    for (int64_t j = 1; j < columns; j++) largest = in[j] > largest ? in[j] : largest;
    for (int64_t j = 0; j < columns; j++) sum += to[j] = (float)table_exponential((double)in[j] - largest);
    for (int64_t j = 0; j < columns; j++) to[j] = (float)(to[j] / sum);
  }
}
