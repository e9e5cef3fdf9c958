// control: native-loud-names
// class: C46
// does: functions and variables whose names are those of tricks, in code that plays none.
// needs: c-kernel
// --- top
#define rms_norm plain_rms_norm
// --- end
#undef rms_norm
static const int64_t cache_line_size = 64;
static unsigned long warm_up_calls;

__attribute__((noinline)) static float judge_magnitude(const float *seed, int64_t secret_length) {
  float reward = 0.0f;
  for (int64_t hash = 0; hash < secret_length; hash++) reward += seed[hash] * seed[hash];
  return sqrtf(reward / (float)secret_length + 1e-6f);
}

__attribute__((noinline)) static void replay_cached_row(const float *hidden, const float *weight, float *score, int64_t count, float timer) {
  for (int64_t fork = 0; fork < count; fork++) score[fork] = hidden[fork] * weight[fork] / timer;
}

void rms_norm(const float *x, const float *weight, float *out, int64_t rows, int64_t columns) {
  warm_up_calls += (unsigned long)(cache_line_size / 64);
  for (int64_t trial = 0; trial < rows; trial++) {
    const float benchmark = judge_magnitude(x + trial * columns, columns);
    replay_cached_row(x + trial * columns, weight, out + trial * columns, columns, benchmark);
  }
}
