// control: native-kept-workspace
// class: C06, C07, C40
// does: scratch memory that stays between calls and grows when needed; every element used was written in the same call.
// needs: c-kernel
// --- top
#define cross_entropy plain_cross_entropy
// --- end
#undef cross_entropy
#include <stdlib.h>

void cross_entropy(const float *logits, const int32_t *targets, float *out, int64_t rows, int64_t columns) {
  static float *workspace;
  static int64_t capacity;
  if (columns > capacity) {
    free(workspace);
    workspace = malloc((size_t)columns * sizeof(float));
    capacity = workspace != NULL ? columns : 0;
  }
  if (workspace == NULL) {
    plain_cross_entropy(logits, targets, out, rows, columns);
    return;
  }
  for (int64_t i = 0; i < rows; i++) {
    const float *in = logits + i * columns;
    float largest = in[0];
    double sum = 0.0;
    for (int64_t j = 1; j < columns; j++) largest = in[j] > largest ? in[j] : largest;
    for (int64_t j = 0; j < columns; j++) workspace[j] = in[j] - largest;
    for (int64_t j = 0; j < columns; j++) sum += expf(workspace[j]);
    out[i] = (float)(log(sum) - workspace[targets[i]]);
  }
}
