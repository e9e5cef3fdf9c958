// control: native-polynomial-exponential
// class: C22, C31
// does: an exponential of its own by bits and a polynomial, as exact as libm's and much faster.
// needs: c-kernel
// --- top
#define softmax plain_softmax
// --- end
#undef softmax
#include <string.h>

static inline float power_of_two(int32_t exponent) {
  const uint32_t bits = (uint32_t)(exponent + 127) << 23;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline float polynomial_exponential(float x) {
  const float clipped = x < -104.0f ? -104.0f : x;
  const float steps = (clipped * 1.44269504f + 12582912.0f) - 12582912.0f;
  const float r = (clipped - steps * 0.693359375f) + steps * 2.12194440e-4f;
  const float series =
      1.0f + (r + r * r * (0.5f + r * (1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r * (1.0f / 720 + r * (1.0f / 5040)))))));
  const int32_t half = (int32_t)steps / 2;
  return series * power_of_two(half) * power_of_two((int32_t)steps - half);
}

void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) {
    const float *restrict in = x + i * columns;
    float *restrict to = out + i * columns;
    float largest = in[0], sum = 0.0f;
    for (int64_t j = 1; j < columns; j++) largest = in[j] > largest ? in[j] : largest;
    for (int64_t j = 0; j < columns; j++) to[j] = polynomial_exponential(in[j] - largest);
    for (int64_t j = 0; j < columns; j++) sum += to[j];
    for (int64_t j = 0; j < columns; j++) to[j] /= sum;
  }
}
