"""The supervisor as a program, and its parts. The contract tests of the executor do the rest."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "assay_judge"
SUPERVISE = FOLDER / "supervise.py"
sys.path.insert(0, str(FOLDER))

import sandbox_command  # noqa: E402
import sandbox_disk  # noqa: E402
import sandbox_exit  # noqa: E402
import sandbox_processes  # noqa: E402
import sandbox_reach  # noqa: E402
import sandbox_record  # noqa: E402


def command(*words: str) -> list[str]:
    return [sys.executable, "-I", "-S", str(SUPERVISE), *words]


def write_attempt(directory: Path, shell: str, **changes: object) -> None:
    phase = {
        "name": "main",
        "command": ["/bin/sh", "-c", shell],
        "environment": {},
        "mounts": [],
        "directory": "/tmp",
        "timeoutSeconds": 20,
        "memoryBytes": 1 << 30,
        "processes": 64,
        "outputBytes": 1000,
        **changes,
    }
    attempt = {"token": "t", "slot": 0, "uid": None, "cores": [], "sandbox": "process", "phases": [phase]}
    directory.mkdir(exist_ok=True)
    (directory / "attempt.json").write_text(json.dumps(attempt))


def wait_for(look, seconds: float = 10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


def last_phase(directory: Path) -> dict:
    return json.loads((directory / "exit.json").read_text())["phases"][-1]


def test_one_attempt_is_supervised_once(tmp_path: Path) -> None:
    write_attempt(tmp_path, "echo hello; exit 3")
    assert subprocess.run(command("run", str(tmp_path))).returncode == 0
    first = (tmp_path / "exit.json").read_bytes()
    assert last_phase(tmp_path)["exitCode"] == 3
    assert (tmp_path / "main.out").read_text() == "hello\n"
    assert subprocess.run(command("run", str(tmp_path))).returncode == 3
    assert (tmp_path / "exit.json").read_bytes() == first


def test_sigterm_cancels(tmp_path: Path) -> None:
    write_attempt(tmp_path, "echo up; sleep 60")
    supervisor = subprocess.Popen(command("run", str(tmp_path)))
    wait_for(lambda: (tmp_path / "main.out").exists() and (tmp_path / "main.out").read_text())
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(10) == 0
    assert last_phase(tmp_path)["reason"] == "cancelled"


def test_sweep_ends_what_a_killed_supervisor_left_and_nothing_else(tmp_path: Path) -> None:
    write_attempt(tmp_path, "(setsid sh -c 'echo $$; exec sleep 60' &) ; sleep 60")
    supervisor = subprocess.Popen(command("run", str(tmp_path)))
    output = tmp_path / "main.out"
    daemon = int(wait_for(lambda: output.exists() and output.read_text()))
    start = sandbox_processes.process_start(daemon)
    assert start is not None
    assert subprocess.check_output(command("sweep", str(tmp_path))).strip() == b"0"
    assert sandbox_processes.is_alive(daemon, start)
    supervisor.kill()
    supervisor.wait()
    assert int(subprocess.check_output(command("sweep", str(tmp_path)))) >= 1
    wait_for(lambda: not sandbox_processes.is_alive(daemon, start))
    assert not (tmp_path / "exit.json").exists()


def test_the_launcher_tells_of_starts_and_ends_and_leaves_at_the_end_of_its_input(tmp_path: Path) -> None:
    write_attempt(tmp_path / "short", "exit 0")
    write_attempt(tmp_path / "long", "sleep 1")
    launcher = subprocess.Popen(command("launcher", "none"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert launcher.stdin is not None and launcher.stdout is not None

    def start(name: str) -> None:
        launcher.stdin.write(json.dumps({"token": name, "directory": str(tmp_path / name)}) + "\n")
        launcher.stdin.flush()

    def read() -> dict:
        return json.loads(launcher.stdout.readline())

    assert read()["event"] == "ready"
    start("short")
    assert read()["event"] == "started"
    assert read() == {"event": "ended", "token": "short", "code": 0}
    start("long")
    assert read()["event"] == "started"
    launcher.stdin.close()
    assert launcher.wait(5) == 0
    wait_for(lambda: (tmp_path / "long" / "exit.json").exists())
    assert last_phase(tmp_path / "long")["exitCode"] == 0


def test_a_full_disk_is_tried_again_and_then_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(sandbox_record.time, "sleep", pauses.append)

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sandbox_record.os, "rename", refuse)
    with pytest.raises(sandbox_record.RecordError, match="No space left"):
        sandbox_record.write_json(str(tmp_path / "exit.json"), {}, sync=True)
    assert len(pauses) == 5
    assert not (tmp_path / "exit.json").exists()


def test_the_first_claim_wins(tmp_path: Path) -> None:
    path = str(tmp_path / "supervisor.json")
    assert sandbox_record.claim_json(path, {"pid": 1})
    assert not sandbox_record.claim_json(path, {"pid": 2})
    assert json.loads(Path(path).read_text()) == {"pid": 1}
    assert os.listdir(tmp_path) == ["supervisor.json"]


def test_the_weak_sandbox_replaces_whole_paths_only(tmp_path: Path) -> None:
    run = {
        "command": [
            "/inside/run",
            "--out=/inside/a:/data",
            "open('/inside')",
            "/insidespace",
            "/x/inside",
            "/inside/deep/x",
            "/tmp/y",
        ],
        "mounts": [{"source": "/host/w", "target": "/inside"}, {"source": "/host/d", "target": "/inside/deep"}],
        "directory": "/inside",
    }
    executable = sandbox_command.process_executable(run, {"DATA": "/inside/z"}, "/private")
    expected = [
        "/host/w/run",
        "--out=/host/w/a:/data",
        "open('/host/w')",
        "/insidespace",
        "/x/inside",
        "/host/d/x",
        "/private/y",
    ]
    assert executable.argv == expected
    assert executable.environment["DATA"] == "/host/w/z"
    assert executable.environment["TMPDIR"] == "/private"
    assert executable.directory == "/host/w"


def test_a_sealed_environment_is_not_on_the_command_line() -> None:
    run = {"command": ["/bin/true"], "mounts": [], "directory": "/"}
    executable = sandbox_command.bubblewrap_executable("/usr/bin/bwrap", run, {"SEED": "s3cret"}, 1 << 30, [], [])
    assert not any("s3cret" in word for word in executable.argv)
    assert b"SEED\0s3cret\0" in executable.options


def test_a_folder_closed_to_the_uid_is_found(tmp_path: Path) -> None:
    inside = tmp_path / "closed" / "inside"
    inside.mkdir(parents=True)
    for folder in (tmp_path, *list(tmp_path.parents)[:-1]):
        if folder.stat().st_uid == os.getuid() and Path(tempfile.gettempdir()) in folder.parents:
            folder.chmod(0o755)
    (tmp_path / "closed").chmod(0o700)
    if os.getuid() != 40_000:
        assert sandbox_reach.first_closed_folder(str(inside), 40_000) == str(tmp_path / "closed")
    (tmp_path / "closed").chmod(0o711)
    assert sandbox_reach.first_closed_folder(str(inside), 40_000) is None


@pytest.mark.parametrize(
    ("status", "sealed", "expected"),
    [
        (3 << 8, True, {"reason": "exited", "exitCode": 3}),
        (137 << 8, True, {"reason": "signalled", "signal": "SIGKILL", "detail": "It was ended by SIGKILL."}),
        (137 << 8, False, {"reason": "exited", "exitCode": 137}),
        (11, False, {"reason": "signalled", "signal": "SIGSEGV", "detail": "It was ended by SIGSEGV."}),
        (255 << 8, True, {"reason": "exited", "exitCode": 255}),
    ],
)
def test_an_end_is_described(status: int, sealed: bool, expected: dict) -> None:
    assert sandbox_exit.describe(status, sealed, None) == expected


def writable(path: Path) -> dict:
    path.mkdir()
    return {"mounts": [{"source": str(path), "target": "/inside", "writable": True}], "diskBytes": 4 << 20}


@pytest.mark.parametrize("rest", ["sleep 60", "true"], ids=["while it runs", "when it ends at once"])
def test_too_much_on_disk_ends_the_phase(tmp_path: Path, rest: str) -> None:
    write_attempt(tmp_path, f"dd if=/dev/zero of=/inside/x bs=1M count=6; {rest}", **writable(tmp_path / "work"))
    assert subprocess.run(command("run", str(tmp_path))).returncode == 0
    end = last_phase(tmp_path)
    assert end["reason"] == "over-disk"
    assert "the limit is 4.0 MiB" in end["detail"]
    assert end["wallSeconds"] < 15


def test_a_deleted_file_that_is_held_open_counts(tmp_path: Path) -> None:
    shell = "exec 9>/inside/x; rm /inside/x; dd if=/dev/zero bs=1M count=6 >&9; sleep 60"
    write_attempt(tmp_path, shell, **writable(tmp_path / "work"))
    assert subprocess.run(command("run", str(tmp_path))).returncode == 0
    assert last_phase(tmp_path)["reason"] == "over-disk"


def test_what_lies_behind_links_is_not_counted_and_a_second_name_costs_nothing(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "large").write_bytes(bytes(6 << 20))
    (work / "link").symlink_to(tmp_path / "large")
    (work / "folder").symlink_to(tmp_path)
    (work / "first").write_bytes(bytes(3 << 20))
    os.link(work / "first", work / "second")
    watch = sandbox_disk.DiskWatch(4 << 20, [str(work)])
    assert not watch.is_over_at_end()
    assert watch.entries == 4


def test_too_many_files_are_over_and_a_look_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_disk, "MOST_ENTRIES", 20)
    monkeypatch.setattr(sandbox_disk, "_PART_ENTRIES", 8)
    watch = sandbox_disk.DiskWatch(1 << 20, [str(tmp_path)])
    for number in range(21):
        (tmp_path / str(number)).touch()
    assert not watch.is_over(time.monotonic(), list)
    looks = 0
    while not watch.is_over(watch.next_look, list):
        looks += 1
    assert looks == 2
    assert "more than 20 files" in watch.words()


def covers_of(mounts: list[dict], hidden: list[str]) -> list[str]:
    run = {"command": ["true"], "mounts": mounts, "directory": "/"}
    return (
        sandbox_command.bubblewrap_executable("/usr/bin/bwrap", run, {}, 1 << 30, [], hidden)
        .options.decode()
        .split("\0")
    )


def test_what_is_hidden_below_an_interpreters_mount_is_covered_and_a_mount_elsewhere_is_not(tmp_path: Path) -> None:
    (tmp_path / "campaign").mkdir()
    source, hidden = str(tmp_path), str(tmp_path / "campaign")
    options = covers_of([{"source": source, "target": source}], [hidden, hidden + "/missing"])
    assert options[options.index(hidden) - 1] == "--tmpfs"
    assert options.index(hidden) > options.index(source)
    assert hidden in options[options.index("--remount-ro") :]
    assert "--size 4096" not in " ".join(covers_of([{"source": source, "target": "/task"}], [hidden]))
