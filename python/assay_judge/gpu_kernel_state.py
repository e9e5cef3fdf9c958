"""Global state of torch and of the device that a candidate can change: read before it is loaded, put back after."""

from __future__ import annotations

import contextlib
import ctypes

import torch

FLAGS = (
    ("backends.cuda.matmul", "allow_tf32"),
    ("backends.cuda.matmul", "allow_fp16_reduced_precision_reduction"),
    ("backends.cuda.matmul", "allow_bf16_reduced_precision_reduction"),
    ("backends.cudnn", "allow_tf32"),
    ("backends.cudnn", "benchmark"),
    ("backends.cudnn", "deterministic"),
    ("backends.cudnn", "enabled"),
)
CALLS = (
    ("default dtype", torch.get_default_dtype, torch.set_default_dtype),
    ("float32 matmul precision", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    ("gradients", torch.is_grad_enabled, torch.set_grad_enabled),
    ("deterministic", torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    ("threads", torch.get_num_threads, torch.set_num_threads),
)
PERSISTING_L2_LIMIT = 6
"""CU_LIMIT_PERSISTING_L2_CACHE_SIZE of the driver."""


class GlobalState:
    """As it was when this was made."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._known = self._read()

    def restore(self) -> list[str]:
        """Puts everything back; the names of what had been changed. Persisting lines of the L2 cache are let go."""
        now, changed = self._read(), []
        for name, value in self._known.items():
            if now.get(name) != value:
                changed.append(name)
                with contextlib.suppress(Exception):
                    self._write(name, value)
        if self._device.startswith("cuda"):
            changed += _reset_device()
        return changed

    def _read(self) -> dict[str, object]:
        found: dict[str, object] = {}
        for name, get, _ in CALLS:
            with contextlib.suppress(Exception):
                found[name] = get()
        for module, flag in FLAGS:
            # Newer versions refuse to read a flag that was set in another way.
            with contextlib.suppress(Exception):
                found[f"{module}.{flag}"] = getattr(_module(module), flag)
        return found

    @staticmethod
    def _write(name: str, value: object) -> None:
        for known, _, put in CALLS:
            if known == name:
                put(value)
                return
        module, _, flag = name.rpartition(".")
        setattr(_module(module), flag, value)


def _module(path: str):
    found = torch
    for name in path.split("."):
        found = getattr(found, name)
    return found


def _reset_device() -> list[str]:
    changed = []
    default = torch.cuda.default_stream()
    if torch.cuda.current_stream() != default:
        torch.cuda.set_stream(default)
        changed.append("current stream")
    with contextlib.suppress(OSError, AttributeError):
        driver, limit = ctypes.CDLL("libcuda.so.1"), ctypes.c_size_t()
        if driver.cuCtxGetLimit(ctypes.byref(limit), PERSISTING_L2_LIMIT) == 0 and limit.value != 0:
            changed.append(f"persisting L2 of {limit.value} bytes")
            driver.cuCtxSetLimit(PERSISTING_L2_LIMIT, ctypes.c_size_t(0))
        driver.cuCtxResetPersistingL2Cache()
    return changed
