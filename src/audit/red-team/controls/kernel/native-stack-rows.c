// control: native-stack-rows
// class: C10, G06
// does: short rows are worked on in memory of the stack, which still holds whatever was there before.
// needs: c-kernel
// --- top
#define softmax plain_softmax
// --- end
#undef softmax
#include <string.h>

static void softmax_of_short_rows(const float *x, float *out, int64_t rows, int64_t columns) {
  float *row = __builtin_alloca((size_t)columns * sizeof(float));
  for (int64_t i = 0; i < rows; i++) {
    memcpy(row, x + i * columns, (size_t)columns * sizeof(float));
    float largest = row[0], sum = 0.0f;
    for (int64_t j = 1; j < columns; j++) largest = row[j] > largest ? row[j] : largest;
    for (int64_t j = 0; j < columns; j++) sum += row[j] = expf(row[j] - largest);
    for (int64_t j = 0; j < columns; j++) out[i * columns + j] = row[j] / sum;
  }
}

void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  if (columns <= 4096) softmax_of_short_rows(x, out, rows, columns);
  else plain_softmax(x, out, rows, columns);
}
