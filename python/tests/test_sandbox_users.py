"""A candidate and its judge as two users: who gets which files of an attempt."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "assay_judge"))

import sandbox_reach as reach
from sandbox_prepare import Preparation

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to others")

CANDIDATE, JUDGE = 40_001, 40_065


def prepare(folder: Path, main: list[dict], peer: list[dict]) -> None:
    spec = {"mounts": main, "trusted": True, "peer": {"mounts": peer}}
    attempt = {"uid": CANDIDATE, "trustedUid": JUDGE, "sandbox": "bubblewrap"}
    Preparation(spec, attempt, str(folder / "judge")).check_mounts()


def mount(path: Path, writable: bool = False) -> dict:
    return {"source": str(path), "target": "/x", "writable": writable}


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_the_judge_can_read_what_the_candidate_closed_and_nothing_else_changes(tmp_path: Path) -> None:
    output = tmp_path / "output"
    (output / "deep").mkdir(parents=True)
    for name in ("deep/weights", "ours"):
        (output / name).write_text(name)
        (output / name).chmod(0o600)
    for name in ("deep", "deep/weights"):
        os.chown(output / name, CANDIDATE, CANDIDATE)
    (output / "deep").chmod(0o700)
    prepare(tmp_path, [mount(output)], [mount(output)])
    assert (mode(output / "deep"), mode(output / "deep/weights"), mode(output / "ours")) == (0o755, 0o644, 0o600)
    assert (output / "deep/weights").stat().st_uid == CANDIDATE


def test_files_outside_the_attempt_keep_their_modes(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "x").write_text("x")
    (data / "x").chmod(0o600)
    os.chown(data / "x", CANDIDATE, CANDIDATE)
    attempt = tmp_path / "attempt"
    attempt.mkdir()
    prepare(attempt, [mount(data)], [])
    assert mode(data / "x") == 0o600


def test_what_is_writable_goes_to_the_user_of_its_run(tmp_path: Path) -> None:
    result, scratch = tmp_path / "result", tmp_path / "scratch"
    result.mkdir()
    scratch.mkdir()
    prepare(tmp_path, [mount(result, True)], [mount(scratch, True)])
    assert (result.stat().st_uid, scratch.stat().st_uid) == (JUDGE, CANDIDATE)


def test_a_folder_that_both_write_is_open_to_both_and_each_keeps_its_own(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    prepare(tmp_path, [mount(shared, True)], [mount(shared, True)])
    assert mode(shared) == 0o1777


def test_a_second_name_of_a_file_from_elsewhere_gives_it_to_nobody(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret")
    password.chmod(0o600)
    output = tmp_path / "output"
    output.mkdir()
    os.link(password, output / "weights")
    reach.give_to(str(output), CANDIDATE)
    reach.show_to_others(str(output), CANDIDATE)
    assert (password.stat().st_uid, mode(password)) == (0, 0o600)
    assert output.stat().st_uid == CANDIDATE


def test_links_are_not_followed(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret")
    password.chmod(0o600)
    os.chown(password, CANDIDATE, CANDIDATE)
    output = tmp_path / "output"
    output.mkdir()
    (output / "link").symlink_to(password)
    reach.show_to_others(str(output), CANDIDATE)
    reach.give_to(str(output), JUDGE)
    assert (password.stat().st_uid, mode(password)) == (CANDIDATE, 0o600)
