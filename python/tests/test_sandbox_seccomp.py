"""The filter of system calls, carried out by a small machine of our own as the kernel carries it out."""

from __future__ import annotations

import errno
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "assay_judge"))

import sandbox_seccomp as seccomp

ALLOWED = 0x7FFF0000
FAILED = 0x00050000
X86_64 = 0xC000003E
AARCH64 = 0xC00000B7
I386 = 0x40000003


def verdict(program: bytes, architecture: int, number: int, first: int = 0) -> int:
    """What the kernel does with a call: ALLOWED, or FAILED and an error."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, first, 0, 0, 0, 0, 0)
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at = loaded = 0
    while True:
        code, if_true, if_false, value = steps[at]
        at += 1
        if code == 0x20:
            loaded = struct.unpack_from("<I", data, value)[0]
        elif code == 0x06:
            return value
        else:
            holds = loaded == value if code == 0x15 else loaded >= value
            at += if_true if holds else if_false


@pytest.mark.parametrize(("machine", "architecture"), [("x86_64", X86_64), ("aarch64", AARCH64)])
def test_what_is_named_fails_and_the_rest_does_not(machine: str, architecture: int) -> None:
    program = seccomp.filter_for(machine)
    assert program is not None
    denied = seccomp.denied_calls(machine)
    assert len(set(denied.values())) == len(denied) > 40
    socket_number = {"x86_64": 41, "aarch64": 198}[machine]
    for number in range(600):
        expected = FAILED | errno.EPERM if number in denied.values() else ALLOWED
        if number in (425, 426, 427):
            expected = FAILED | errno.ENOSYS
        if number != socket_number:
            assert verdict(program, architecture, number) == expected, number


@pytest.mark.parametrize(
    ("family", "expected"),
    [(1, ALLOWED), (2, ALLOWED), (10, ALLOWED), (16, ALLOWED)]
    + [(family, FAILED | errno.EAFNOSUPPORT) for family in (0, 3, 17, 31, 38, 40, 44, 45)],
)
def test_sockets_only_of_families_that_a_network_namespace_holds(family: int, expected: int) -> None:
    program = seccomp.filter_for("x86_64")
    assert program is not None
    assert verdict(program, X86_64, 41, family) == expected


def test_calls_by_another_door_fail() -> None:
    program = seccomp.filter_for("x86_64")
    assert program is not None
    for number in (0, 1, 41, 101, 425):
        assert verdict(program, I386, number) == FAILED | errno.ENOSYS
        assert verdict(program, X86_64, number | 0x40000000) == FAILED | errno.ENOSYS


def test_a_machine_that_is_not_known_has_no_filter() -> None:
    assert seccomp.filter_for("riscv64") is None
    assert seccomp.denied_calls("riscv64") == {}
