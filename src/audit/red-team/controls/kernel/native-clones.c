// control: native-clones
// class: T19
// does: the compiler makes a copy for each kind of processor and the loader picks one by an indirect function.
// needs: c-kernel
// --- top
#if defined(__x86_64__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif
#define softmax plain_softmax
// --- end
#undef softmax
FOR_EACH_PROCESSOR void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    const float *restrict in = x + i * columns;
    float *restrict to = out + i * columns;
    float largest = in[0], sum = 0.0f;
    for (int64_t j = 1; j < columns; j++) largest = in[j] > largest ? in[j] : largest;
    for (int64_t j = 0; j < columns; j++) sum += to[j] = expf(in[j] - largest);
    const float inverse = 1.0f / sum;
    for (int64_t j = 0; j < columns; j++) to[j] *= inverse;
  }
}
