#include "kernels.h"

#include <math.h>

static inline float exponential(float value) {
  return expf(value);
}

static inline float largest_of(const float *row, int64_t count) {
  float largest = row[0];
  for (int64_t place = 1; place < count; place++) {
    if (row[place] > largest) largest = row[place];
  }
  return largest;
}

static inline float sum_of(const float *row, int64_t count) {
  float sum = 0.0f;
  for (int64_t place = 0; place < count; place++) sum += row[place];
  return sum;
}

static inline float sum_of_squares(const float *row, int64_t count) {
  float sum = 0.0f;
  for (int64_t place = 0; place < count; place++) sum += row[place] * row[place];
  return sum;
}

void softmax(const float *x, float *out, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; row++) {
    const float *in = x + row * columns;
    float *to = out + row * columns;
    float largest = largest_of(in, columns);
    for (int64_t place = 0; place < columns; place++) to[place] = exponential(in[place] - largest);
    float sum = sum_of(to, columns);
    for (int64_t place = 0; place < columns; place++) to[place] /= sum;
  }
}

void rms_norm(const float *x, const float *weight, float *out, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; row++) {
    const float *in = x + row * columns;
    float *to = out + row * columns;
    float mean = sum_of_squares(in, columns) / (float)columns;
    for (int64_t place = 0; place < columns; place++) to[place] = in[place] * weight[place] / sqrtf(mean + 1e-6f);
  }
}

static inline float gelu(float value) {
  float inner = 0.7978845608f * (value + 0.044715f * value * value * value);
  return 0.5f * value * (1.0f + tanhf(inner));
}

void matmul_gelu(const float *a, const float *b, const float *bias, float *out, int64_t m, int64_t n, int64_t k) {
  for (int64_t row = 0; row < m; row++) {
    for (int64_t column = 0; column < n; column++) {
      float sum = 0.0f;
      for (int64_t inner = 0; inner < k; inner++) sum += a[row * k + inner] * b[inner * n + column];
      out[row * n + column] = sum + bias[column];
    }
  }
  for (int64_t place = 0; place < m * n; place++) out[place] = gelu(out[place]);
}

void cross_entropy(const float *logits, const int32_t *targets, float *out, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; row++) {
    const float *in = logits + row * columns;
    float largest = largest_of(in, columns);
    float sum = 0.0f;
    for (int64_t place = 0; place < columns; place++) sum += exponential(in[place] - largest);
    out[row] = logf(sum) - (in[targets[row]] - largest);
  }
}
