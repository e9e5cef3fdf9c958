// control: native-asserts
// class: C32
// does: checks its arguments and its own sums, and aborts if they are not what they must be.
// needs: c-kernel
// --- top
#define softmax plain_softmax
// --- end
#undef softmax
#include <assert.h>

void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  assert(x != 0 && out != 0 && rows >= 0 && columns >= 0);
  assert(out + rows * columns <= x || x + rows * columns <= out);
  plain_softmax(x, out, rows, columns);
  for (int64_t i = 0; i < rows; i++) {
    double sum = 0.0;
    for (int64_t j = 0; j < columns; j++) sum += out[i * columns + j];
    assert(columns == 0 || (sum > 0.999 && sum < 1.001));
  }
}
