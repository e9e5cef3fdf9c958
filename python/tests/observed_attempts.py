"""Attempts for the tests of what the supervisor observes: a real supervisor, real sandboxes, three kinds of users."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SUPERVISE = Path(__file__).resolve().parent.parent / "assay_judge" / "supervise.py"
SLOT_USER = 30_000 + os.getpid() % 10_000
OTHER_USER = SLOT_USER + 10_000
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
DECOYS = ("/result/result.json", "/data/held-out.bin", "/root/.ssh/id_rsa", "/home/assay/.aws/credentials")
KINDS = ("slot user", "plain user", "weak")


@dataclass
class Bench:
    """Runs attempts in one way. `kind`: as root with a user for the slot, as a plain user, or in the weak sandbox."""

    kind: str
    folder: Path
    attempts: list[Path] = field(default_factory=list)

    @property
    def sealed(self) -> bool:
        return self.kind != "weak"

    def directory(self) -> Path:
        directory = self.folder / str(len(self.attempts))
        self.attempts.append(directory)
        (directory / "output").mkdir(parents=True)
        if self.kind == "plain user" and os.getuid() == 0:
            for path in (directory, directory / "output"):
                os.chown(path, OTHER_USER, OTHER_USER)
        directory.chmod(0o711)
        return directory

    def run(self, program: str, **changes: object) -> dict:
        """The end of an attempt of one phase that runs `program` of Python, with what was observed."""
        return self.run_all([program], **changes)[-1]

    def run_all(self, programs: list[str], cores: tuple[int, ...] = (), **changes: object) -> list[dict]:
        directory = self.directory()
        phases = [self.phase(directory, f"phase-{number}", one, **changes) for number, one in enumerate(programs)]
        return self.supervise(directory, phases, cores)

    def supervise(self, directory: Path, phases: list[dict], cores: tuple[int, ...] = ()) -> list[dict]:
        is_root = os.getuid() == 0
        attempt = {
            "token": "t",
            "slot": 0,
            "uid": SLOT_USER if is_root and self.kind == "slot user" else None,
            "cores": list(cores),
            "sandbox": "bubblewrap" if self.sealed else "process",
            "phases": phases,
        }
        (directory / "attempt.json").write_text(json.dumps(attempt))
        (directory / "attempt.json").chmod(0o644)
        user = OTHER_USER if is_root and self.kind == "plain user" else None
        command = [PYTHON, "-I", "-S", str(SUPERVISE), "run", str(directory)]
        subprocess.run(command, check=True, user=user, group=user, extra_groups=None if user is None else [])
        return json.loads((directory / "exit.json").read_text())["phases"]

    def phase(self, directory: Path, name: str, program: str, **changes: object) -> dict:
        return {
            "name": name,
            **process(directory, program),
            "timeoutSeconds": 20,
            "memoryBytes": 1 << 30,
            "processes": 64,
            "outputBytes": 100_000,
            **changes,
        }


def process(directory: Path, program: str) -> dict:
    """A candidate's process: one writable folder, decoys."""
    return {
        "command": [PYTHON, "-I", "-S", "-c", textwrap.dedent(program)],
        "environment": {},
        "mounts": [{"source": str(directory / "output"), "target": "/output", "writable": True}],
        "directory": "/tmp",
        "tripwires": list(DECOYS),
    }


def made_bench(kind: str) -> Iterator[Bench]:
    folder = Path(tempfile.mkdtemp(prefix="assay-observed-"))
    folder.chmod(0o711)
    if kind == "plain user" and os.getuid() == 0:
        look = [PYTHON, "-c", f"open({str(SUPERVISE)!r})"]
        if subprocess.run(look, user=OTHER_USER, group=OTHER_USER, extra_groups=[], capture_output=True).returncode:
            pytest.skip("this checkout lies in a folder that is closed to others")
    yield Bench(kind, folder)
    shutil.rmtree(folder)
