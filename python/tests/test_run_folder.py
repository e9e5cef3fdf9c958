"""`assay_judge.run_folder`: a fresh folder with links, and the program in this process's place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
SCRIPT = "import os, sys; print(os.getpid(), os.getcwd(), open('data/set/a').read(), sorted(os.listdir())); sys.exit(7)"


def start(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-m", "assay_judge.run_folder", *words]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, cwd="/", stdout=pipe, stderr=pipe, text=True)


def test_program_runs_in_a_fresh_folder_with_links_and_its_exit_code_counts(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content")
    process = start("--link", f"data/set={tmp_path}", "--", sys.executable, "-c", SCRIPT)
    out, _ = process.communicate(timeout=60)
    pid, folder, content, entries = out.split(maxsplit=3)
    assert process.returncode == 7
    assert int(pid) == process.pid
    assert (content, entries.strip()) == ("content", "['data']")
    assert folder != "/"


@pytest.mark.parametrize("link", ["../x={}", "/x={}", "x=relative", "x={}/none", "x", ".={}"])
def test_links_out_of_the_folder_or_to_nothing_are_refused(tmp_path: Path, link: str) -> None:
    process = start("--link", link.format(tmp_path), "--", sys.executable, "-c", "print('ran')")
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "--link" in error
