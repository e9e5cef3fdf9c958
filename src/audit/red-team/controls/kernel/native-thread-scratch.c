// control: native-thread-scratch
// class: T03
// does: scratch memory of the thread, in the style of code for many threads; there is only one.
// needs: c-kernel
// --- top
#define rms_norm plain_rms_norm
// --- end
#undef rms_norm
#include <stdlib.h>

static _Thread_local double *thread_scratch;
static _Thread_local int64_t thread_scratch_columns;

void rms_norm(const float *x, const float *weight, float *out, int64_t rows, int64_t columns) {
  if (columns > thread_scratch_columns) {
    free(thread_scratch);
    thread_scratch = malloc((size_t)columns * sizeof(double));
    thread_scratch_columns = thread_scratch != NULL ? columns : 0;
  }
  if (thread_scratch == NULL) {
    plain_rms_norm(x, weight, out, rows, columns);
    return;
  }
  for (int64_t i = 0; i < rows; i++) {
    const float *in = x + i * columns;
    double sum = 0.0;
    for (int64_t j = 0; j < columns; j++) {
      thread_scratch[j] = (double)in[j] * weight[j];
      sum += (double)in[j] * in[j];
    }
    const double inverse = 1.0 / sqrt(sum / (double)columns + 1e-6);
    for (int64_t j = 0; j < columns; j++) out[i * columns + j] = (float)(thread_scratch[j] * inverse);
  }
}
