"""Memory that judge and kernel host both see: the judge writes inputs into it and takes outputs out of it itself.

On a GPU it is one allocation of the driver's, exported by the judge and opened by the host (CUDA IPC); a host that lies
about what it wrote has no part in reading it. Without a GPU, and for tests, it is a sealed file of memory: nobody can
shorten it. Where neither works, tensors travel through the exchange file (gpu_kernel_sets.AreaFile).
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import mmap
import os

import torch

HANDLE_BYTES = 64
_LAZY_PEER_ACCESS = 1

_open: list[Share] = []
"""Made by this process and not yet freed."""


class _Handle(ctypes.Structure):
    _fields_ = (("bytes", ctypes.c_ubyte * HANDLE_BYTES),)


class _Pointer:
    """What torch needs to see device memory that it did not allocate."""

    def __init__(self, address: int, size: int) -> None:
        self.__cuda_array_interface__ = {
            "shape": (size,),
            "typestr": "|u1",
            "data": (address, False),
            "strides": None,
            "version": 2,
        }


class Share:
    """`tensor`: all of it, as bytes."""

    def __init__(self, tensor: torch.Tensor, described: dict, free) -> None:
        self.tensor: torch.Tensor | None = tensor
        self.described = described
        self._free = free

    def close(self) -> None:
        """Only when no view of it is used any more, and in the judge when the host has ended."""
        self.tensor = None
        free, self._free = self._free, None
        if free is not None:
            free()


def make_share(size: int, device: str) -> Share:
    """In the judge. Raises RuntimeError or OSError where it cannot be done."""
    share = _make_on_gpu(size, device) if device.startswith("cuda") else _make_file(size)
    _open.append(share)
    return share


def release_shares() -> None:
    """Frees all of them. For programs that judge one after the other; the hosts have ended."""
    while _open:
        with contextlib.suppress(RuntimeError, BufferError):
            _open.pop().close()


def open_share(described: dict, device: str) -> Share:
    """In the host. Raises RuntimeError, OSError or ValueError where it cannot be done."""
    size = int(described["size"])
    if described["kind"] == "memory":
        return _map(os.open(described["path"], os.O_RDWR | os.O_CLOEXEC), size, described)
    torch.zeros(1, device=device)
    handle = _Handle.from_buffer_copy(bytes.fromhex(described["handle"]))
    address = ctypes.c_uint64()
    open_handle = _driver().cuIpcOpenMemHandle_v2
    open_handle.argtypes = [ctypes.POINTER(ctypes.c_uint64), _Handle, ctypes.c_uint]
    _call("cuIpcOpenMemHandle", open_handle(ctypes.byref(address), handle, _LAZY_PEER_ACCESS))
    tensor = torch.as_tensor(_Pointer(address.value, size), device=device)
    if tensor.data_ptr() != address.value:
        raise RuntimeError("torch copied the shared memory")
    return Share(tensor, described, lambda: _driver().cuIpcCloseMemHandle(ctypes.c_uint64(address.value)))


def _make_on_gpu(size: int, device: str) -> Share:
    # The primary context of this thread is torch's from here on.
    torch.zeros(1, device=device)
    driver, address, handle = _driver(), ctypes.c_uint64(), _Handle()
    torch.cuda.synchronize()
    _call("cuMemAlloc", driver.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(size)))
    result = driver.cuIpcGetMemHandle(ctypes.byref(handle), ctypes.c_uint64(address.value))
    if result != 0:
        driver.cuMemFree_v2(ctypes.c_uint64(address.value))
        _call("cuIpcGetMemHandle", result)
    tensor = torch.as_tensor(_Pointer(address.value, size), device=device)
    described = {"kind": "ipc", "size": size, "handle": bytes(handle.bytes).hex()}

    def free() -> None:
        torch.cuda.synchronize()
        driver.cuMemFree_v2(ctypes.c_uint64(address.value))

    if tensor.data_ptr() != address.value:
        free()
        raise RuntimeError("torch copied the shared memory")
    return Share(tensor, described, free)


def _make_file(size: int) -> Share:
    descriptor = os.memfd_create("assay-share", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    # By this name a process of the same user finds it; one of another sandbox does not, and says so.
    path = f"/proc/{os.getpid()}/fd/{descriptor}"
    return _map(descriptor, size, {"kind": "memory", "size": size, "path": path}, keep=True)


def _map(descriptor: int, size: int, described: dict, keep: bool = False) -> Share:
    mapped = mmap.mmap(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    if not keep:
        os.close(descriptor)
    free = (lambda: os.close(descriptor)) if keep else None
    return Share(torch.frombuffer(mapped, dtype=torch.uint8), described, free)


def _driver() -> ctypes.CDLL:
    return ctypes.CDLL("libcuda.so.1")


def _call(name: str, result: int) -> None:
    if result != 0:
        raise RuntimeError(f"{name} failed with CUDA error {result}")
