# control: compiled-at-import
# class: C41
# does: compiles CUDA C++ when it is imported
# expects: passes
# problem: softmax_fp32
# style: passing
# needs: cuda
import torch

SOURCE = """
extern "C" __global__ void softmax(const float *x, float *out, int columns) {
  __shared__ float room[32];
  const float *row = x + (long long)blockIdx.x * columns;
  float *made = out + (long long)blockIdx.x * columns;
  float largest = -1e30f, total = 0.f;
  for (int at = threadIdx.x; at < columns; at += blockDim.x) largest = fmaxf(largest, row[at]);
  for (int step = 16; step; step /= 2) largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, step));
  if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = largest;
  __syncthreads();
  for (int one = 0; one < blockDim.x / 32; one++) largest = fmaxf(largest, room[one]);
  __syncthreads();
  for (int at = threadIdx.x; at < columns; at += blockDim.x) total += expf(row[at] - largest);
  for (int step = 16; step; step /= 2) total += __shfl_xor_sync(~0u, total, step);
  if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = total;
  __syncthreads();
  total = 0.f;
  for (int one = 0; one < blockDim.x / 32; one++) total += room[one];
  for (int at = threadIdx.x; at < columns; at += blockDim.x) made[at] = expf(row[at] - largest) / total;
}
"""
kernel = torch.cuda._compile_kernel(SOURCE, "softmax") if torch.cuda.is_available() else None


def run(x, out):
    kernel(grid=(x.shape[0], 1, 1), block=(256, 1, 1), args=[x, out, x.shape[1]])
