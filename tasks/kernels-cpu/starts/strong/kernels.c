#include "kernels.h"

#include <math.h>

static inline float exponential(float value) {
  value = value < -87.0f ? -87.0f : value;
  value = value > 88.0f ? 88.0f : value;
  float turns = value * 1.44269504f + 12582912.0f;
  union { float real; uint32_t bits; } shifted = {turns};
  float whole = turns - 12582912.0f;
  float rest = (value - whole * 0.693359375f) + whole * 2.12194440e-4f;
  float tail = 1.9875691500e-4f;
  tail = tail * rest + 1.3981999507e-3f;
  tail = tail * rest + 8.3334519073e-3f;
  tail = tail * rest + 4.1665795894e-2f;
  tail = tail * rest + 1.6666665459e-1f;
  tail = tail * rest + 5.0000001201e-1f;
  union { uint32_t bits; float real; } scale = {(shifted.bits + 127u) << 23};
  return (tail * rest * rest + rest + 1.0f) * scale.real;
}

static inline float largest_of(const float *row, int64_t count) {
  float lanes[16];
  for (int lane = 0; lane < 16; lane++) lanes[lane] = row[0];
  int64_t at = 0;
  for (; at + 16 <= count; at += 16) {
    for (int lane = 0; lane < 16; lane++) lanes[lane] = row[at + lane] > lanes[lane] ? row[at + lane] : lanes[lane];
  }
  for (; at < count; at++) lanes[0] = row[at] > lanes[0] ? row[at] : lanes[0];
  for (int lane = 1; lane < 16; lane++) lanes[0] = lanes[lane] > lanes[0] ? lanes[lane] : lanes[0];
  return lanes[0];
}

static inline float sum_of(const float *row, int64_t count) {
  float lanes[16] = {0};
  int64_t at = 0;
  for (; at + 16 <= count; at += 16) {
    for (int lane = 0; lane < 16; lane++) lanes[lane] += row[at + lane];
  }
  for (; at < count; at++) lanes[0] += row[at];
  for (int lane = 1; lane < 16; lane++) lanes[0] += lanes[lane];
  return lanes[0];
}

static inline float sum_of_squares(const float *row, int64_t count) {
  float lanes[16] = {0};
  int64_t at = 0;
  for (; at + 16 <= count; at += 16) {
    for (int lane = 0; lane < 16; lane++) lanes[lane] += row[at + lane] * row[at + lane];
  }
  for (; at < count; at++) lanes[0] += row[at] * row[at];
  for (int lane = 1; lane < 16; lane++) lanes[0] += lanes[lane];
  return lanes[0];
}

void softmax(const float *restrict x, float *restrict out, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; row++) {
    const float *in = x + row * columns;
    float *to = out + row * columns;
    float largest = largest_of(in, columns);
    for (int64_t place = 0; place < columns; place++) to[place] = exponential(in[place] - largest);
    float sum = sum_of(to, columns);
    float share = 1.0f / sum;
    for (int64_t place = 0; place < columns; place++) to[place] *= share;
  }
}

void rms_norm(const float *restrict x, const float *restrict weight, float *restrict out, int64_t rows,
              int64_t columns) {
  for (int64_t row = 0; row < rows; row++) {
    const float *in = x + row * columns;
    float *to = out + row * columns;
    float mean = sum_of_squares(in, columns) / (float)columns;
    float scale = 1.0f / sqrtf(mean + 1e-6f);
    for (int64_t place = 0; place < columns; place++) to[place] = in[place] * scale * weight[place];
  }
}

static inline float gelu(float value) {
  float inner = 0.7978845608f * (value + 0.044715f * value * value * value);
  inner = inner < -40.0f ? -40.0f : inner;
  return value / (1.0f + exponential(-2.0f * inner));
}

static void whole_tile(const float *a, const float *b, const float *bias, float *out, int64_t n, int64_t k) {
  float tile[TILE_ROWS][TILE_COLUMNS] = {{0}};
  for (int64_t inner = 0; inner < k; inner++) {
    for (int row = 0; row < TILE_ROWS; row++) {
      for (int column = 0; column < TILE_COLUMNS; column++) tile[row][column] += a[row * k + inner] * b[inner * n + column];
    }
  }
  for (int row = 0; row < TILE_ROWS; row++) {
    for (int column = 0; column < TILE_COLUMNS; column++) out[row * n + column] = tile[row][column] + bias[column];
  }
}

static void part_tile(const float *a, const float *b, const float *bias, float *out, int64_t n, int64_t k, int64_t rows,
                      int64_t columns) {
  for (int64_t row = 0; row < rows; row++) {
    float *restrict to = out + row * n;
    for (int64_t column = 0; column < columns; column++) to[column] = bias[column];
    for (int64_t inner = 0; inner < k; inner++) {
      for (int64_t column = 0; column < columns; column++) to[column] += a[row * k + inner] * b[inner * n + column];
    }
  }
}

void matmul_gelu(const float *a, const float *b, const float *bias, float *out, int64_t m, int64_t n, int64_t k) {
  for (int64_t row = 0; row < m; row += TILE_ROWS) {
    int64_t rows = m - row < TILE_ROWS ? m - row : TILE_ROWS;
    for (int64_t column = 0; column < n; column += TILE_COLUMNS) {
      int64_t columns = n - column < TILE_COLUMNS ? n - column : TILE_COLUMNS;
      const float *left = a + row * k, *right = b + column;
      float *to = out + row * n + column;
      if (rows == TILE_ROWS && columns == TILE_COLUMNS) {
        whole_tile(left, right, bias + column, to, n, k);
      } else {
        part_tile(left, right, bias + column, to, n, k, rows, columns);
      }
    }
  }
  for (int64_t place = 0; place < m * n; place++) out[place] = gelu(out[place]);
}

void cross_entropy(const float *logits, const int32_t *targets, float *out, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; row++) {
    const float *in = logits + row * columns;
    float largest = largest_of(in, columns);
    float lanes[16] = {0};
    int64_t at = 0;
    for (; at + 16 <= columns; at += 16) {
      for (int lane = 0; lane < 16; lane++) lanes[lane] += exponential(in[at + lane] - largest);
    }
    for (; at < columns; at++) lanes[0] += exponential(in[at] - largest);
    for (int lane = 1; lane < 16; lane++) lanes[0] += lanes[lane];
    out[row] = logf(lanes[0]) - (in[targets[row]] - largest);
  }
}
