// One block a row: a running maximum and a running sum for each thread, four columns a load, joined at the end.
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>
#include <torch/extension.h>

constexpr int THREADS = 512;

__device__ inline void join(float &largest, float &total, float other_largest, float other_total) {
  const float now = fmaxf(largest, other_largest);
  total = total * __expf(largest - now) + other_total * __expf(other_largest - now);
  largest = now;
}

__device__ inline void add(float &largest, float &total, float value) {
  if (value <= largest) {
    total += __expf(value - largest);
  } else {
    total = total * __expf(largest - value) + 1.0f;
    largest = value;
  }
}

__global__ void logsumexp(const float *x, float *out, int64_t columns) {
  const float *row = x + blockIdx.x * columns;
  float largest = -1e30f, total = 0.0f;
  if (columns % 4 == 0) {
    const float4 *pieces = reinterpret_cast<const float4 *>(row);
    for (int64_t at = threadIdx.x; at < columns / 4; at += THREADS) {
      const float4 one = pieces[at];
      add(largest, total, one.x);
      add(largest, total, one.y);
      add(largest, total, one.z);
      add(largest, total, one.w);
    }
  } else {
    for (int64_t at = threadIdx.x; at < columns; at += THREADS) add(largest, total, row[at]);
  }
  __shared__ float maxima[THREADS / 32], totals[THREADS / 32];
  for (int step = 16; step > 0; step /= 2) {
    const float other_largest = __shfl_xor_sync(0xffffffffu, largest, step);
    const float other_total = __shfl_xor_sync(0xffffffffu, total, step);
    join(largest, total, other_largest, other_total);
  }
  if (threadIdx.x % 32 == 0) {
    maxima[threadIdx.x / 32] = largest;
    totals[threadIdx.x / 32] = total;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int one = 1; one < THREADS / 32; one++) join(largest, total, maxima[one], totals[one]);
    out[blockIdx.x] = largest + logf(total);
  }
}

void run(torch::Tensor x, torch::Tensor out) {
  logsumexp<<<x.size(0), THREADS, 0, at::cuda::getCurrentCUDAStream()>>>(
      x.data_ptr<float>(), out.data_ptr<float>(), x.size(1));
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, module) { module.def("run", &run); }
