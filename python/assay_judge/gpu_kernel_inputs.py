"""Secret inputs of GPU kernels: one sampler for what is checked and what is timed.

A block of calls has few bases, drawn here and carried to the host; every set of a block is a base whose floating-point
tensors are turned by a secret number of elements and changed at secret places, which the host learns just before the
timed calls. So gigabytes of fresh content need megabytes of transfer, and nobody can begin before the clock does.
"""

from __future__ import annotations

import hashlib
import linecache
import random
import sys
import types
from dataclasses import dataclass

import torch

from assay_judge.gpu_kernel_schema import DTYPE_BYTES, Axes, Definition, Tensor, Workload

DTYPES = {name: getattr(torch, name) for name in DTYPE_BYTES}
BASES = 2
"""Drawn for each burst."""
PATCHES = 4
"""Elements changed in each floating-point input of a set."""
DISTRIBUTIONS = ("normal", "shifted", "wide", "sparse")

Value = torch.Tensor | float | int
Inputs = dict[str, Value]


@dataclass(frozen=True)
class Change:
    """How a set comes from its base: turned by `turn` elements, then `values` at flat `places`."""

    tensor: str
    turn: int
    places: tuple[int, ...]
    values: tuple[float, ...]

    def to_json(self) -> list:
        return [self.tensor, self.turn, list(self.places), list(self.values)]

    @staticmethod
    def from_json(record: list) -> Change:
        return Change(record[0], int(record[1]), tuple(record[2]), tuple(record[3]))


def may_turn(tensor: Tensor) -> bool:
    """Whether the tensor's elements may change places: not so those that point at something."""
    return tensor.shape is not None and tensor.dtype.startswith(("float", "bfloat"))


def draw(definition: Definition, workload: Workload, axes: Axes, device: str, seed: int, distribution: str) -> Inputs:
    """One base. Uses and restores torch's global generators, because upstream's custom inputs take no other."""
    devices = [torch.cuda.current_device()] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        if definition.custom_inputs is not None:
            made = namespace_of(definition)[definition.custom_inputs](dict(axes), device)
            return {one.name: made[one.name] for one in definition.inputs}
        found: Inputs = {}
        for one in definition.inputs:
            given = workload.inputs[one.name]
            found[one.name] = given["value"] if given["type"] == "scalar" else _random(one, axes, device, distribution)
        return found


def namespace_of(definition: Definition) -> dict:
    """The reference's functions. Only for definitions that are trusted: this runs them, once in a process.

    They belong to a module that can be imported by its name, and have a source: torch.compile looks for globals in the
    module of that name, and wraps functions without a source into one that all share, with its few recompilations.
    """
    digest = hashlib.sha256(definition.reference.encode()).hexdigest()[:16]
    name = f"assay_reference_{definition.name}_{digest}"
    if name not in sys.modules:
        place, lines = f"<{name}>", definition.reference.splitlines(keepends=True)
        linecache.cache[place] = (len(definition.reference), None, lines, place)
        module = types.ModuleType(name)
        exec(compile(definition.reference, place, "exec"), module.__dict__)
        sys.modules[name] = module
    return sys.modules[name].__dict__


def _random(tensor: Tensor, axes: Axes, device: str, distribution: str) -> torch.Tensor:
    sizes, dtype = tensor.sizes(axes), DTYPES[tensor.dtype]
    if dtype == torch.bool:
        return torch.rand(sizes, device=device) < 0.8
    if not dtype.is_floating_point:
        return torch.randint(-1024, 1024, sizes, device=device).to(dtype)
    values = torch.randn(sizes, device=device)
    if distribution == "shifted":
        values += 0.5
    elif distribution == "wide":
        values *= 2.0
    elif distribution == "sparse":
        values *= torch.rand(sizes, device=device) < 0.7
    if tensor.dtype.startswith("float8"):
        values = values.clamp_(-2.0, 2.0)
    return values.to(dtype)


def draw_changes(definition: Definition, axes: Axes, base: Inputs, generator: random.Random) -> list[Change]:
    """The way from `base` to one set. Patched values are copies of others, so a tensor keeps what is true of it."""
    changes = []
    for one in definition.inputs:
        if not may_turn(one):
            continue
        value = base[one.name]
        count = value.numel()
        # Not by whole rows: what was computed for a base must help with no set.
        turn = generator.randrange(1, max(2, count)) | 1
        places = sorted({generator.randrange(count) for _ in range(PATCHES)})
        flat = value.reshape(-1)
        values = [float(flat[generator.randrange(count)]) for _ in places]
        changes.append(Change(one.name, turn % count, tuple(places), tuple(values)))
    return changes


def one_element(previous: list[Change], base: Inputs, generator: random.Random) -> list[Change]:
    """The same set again but for one element, which is far off: a sparse fingerprint will not see it."""
    chosen = generator.randrange(len(previous))
    one = previous[chosen]
    value = base[one.tensor]
    largest = float(value.reshape(-1)[: 1 << 16].float().abs().max()) or 1.0
    place = generator.randrange(value.numel())
    changed = Change(one.tensor, one.turn, (*one.places, place), (*one.values, largest))
    return [*previous[:chosen], changed, *previous[chosen + 1 :]]


def draw_sets(
    definition: Definition, workload: Workload, axes: Axes, device: str, generator: random.Random, count: int
) -> tuple[list[Inputs], list[dict], tuple[int, int]]:
    """Bases, the plan of all sets, and the two sets of which one is the other but for one element."""
    bases = []
    for _ in range(BASES):
        seed, kind = generator.randrange(2**62), generator.choice(DISTRIBUTIONS)
        bases.append(draw(definition, workload, axes, device, seed, kind))
    chosen = [generator.randrange(BASES) for _ in range(count)]
    changes: list[list[Change]] = [draw_changes(definition, axes, bases[one], generator) for one in chosen]
    first, second = generator.sample(range(count), 2)
    if changes[first]:
        chosen[second] = chosen[first]
        changes[second] = one_element(changes[first], bases[chosen[first]], generator)
    plan = [
        {"base": base, "shift": generator.randrange(64), "changes": [one.to_json() for one in made]}
        for base, made in zip(chosen, changes, strict=True)
    ]
    return bases, plan, (first, second)


def apply(base: Inputs, changes: list[Change], into: Inputs) -> None:
    """Writes a set into the tensors `into`. Types are moved as bytes, because float8 knows no roll."""
    for change in changes:
        source, target = _plain(base[change.tensor]), _plain(into[change.tensor])
        turn = change.turn % source.numel()
        target[turn:] = source[: source.numel() - turn]
        if turn:
            target[:turn] = source[source.numel() - turn :]
        dtype = into[change.tensor].dtype
        values = torch.tensor(change.values, dtype=torch.float32, device=target.device).to(dtype)
        target[torch.tensor(change.places, dtype=torch.int64, device=target.device)] = _plain(values)
    turned = {change.tensor for change in changes}
    for name, value in base.items():
        if name not in turned and isinstance(value, torch.Tensor):
            into[name].copy_(value)


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """Flat, as integers of the same width."""
    kinds = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
    return tensor.reshape(-1).view(kinds[tensor.element_size()])
