"""What the supervisor observes of real programs: honest ones are clean, each trick is seen, as root and as others."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from observed_attempts import KINDS, Bench, made_bench, process

NO_PACKETS = dict.fromkeys(["noRoute", "tcpConnects", "tcpRefused", "tcpAccepted", "udpSent", "udpRefused"], 0)
HONEST = """
import time
open("/output/model", "w").write("weights")
while time.process_time() < 0.3: pass
print("loss: 1.0")
"""
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.close(1); os.close(2)
        time.sleep(60)
    os._exit(0)
os.wait()
"""


@pytest.fixture(scope="module", params=KINDS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    yield from made_bench(request.param)


@pytest.fixture(scope="module", params=KINDS[:2])
def sealed(request: pytest.FixtureRequest) -> Iterator[Bench]:
    yield from made_bench(request.param)


def test_an_honest_program_is_clean(bench: Bench) -> None:
    end = bench.run(HONEST)
    assert (end["reason"], end["exitCode"]) == ("exited", 0)
    seen = end["observations"]
    census = seen["main"]["census"]
    assert census["samples"] >= 3
    peaks = {name: census[name] for name in ("peakProcesses", "peakThreads", "peakOrphans", "strayCores")}
    assert peaks == {"peakProcesses": 1, "peakThreads": 1, "peakOrphans": 0, "strayCores": []}
    assert 0.2 < census["cpuSeconds"] <= census["wallSeconds"] + 0.05
    assert seen["main"]["leftoverProcesses"]["count"] == 0
    files = seen["leftoverFiles"]
    assert (files["kinds"], files["bytes"], files["names"], files["unusual"]) == ({"file": 1}, 7, ["model"], [])
    assert max(seen["clocks"].values()) - min(seen["clocks"].values()) < 0.05
    assert seen["costSeconds"] < 0.1
    if bench.sealed:
        assert seen["main"]["network"] == NO_PACKETS
        assert seen["main"]["tripwires"] == {"decoys": 4, "touched": []}
        fresh = {"entries": {"/tmp": 0, "/dev/shm": 0, "/output": 0}, "stale": [], "sharedNamespaces": []}
        assert seen["main"]["fresh"] == fresh
    else:
        assert not {"network", "tripwires", "fresh"} & set(seen["main"])


def test_a_daemon_is_seen_while_the_program_runs_and_after_it(bench: Bench) -> None:
    seen = bench.run(DAEMON + "time.sleep(0.3)")["observations"]["main"]
    assert seen["census"]["peakProcesses"] == 2
    assert seen["census"]["peakOrphans"] == 1
    assert seen["leftoverProcesses"]["count"] == 1
    assert any(name.startswith("python") for name in seen["leftoverProcesses"]["names"])


def test_a_daemon_of_a_program_that_ends_at_once_is_seen(bench: Bench) -> None:
    shell = {"command": ["/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 & exit 0"]}
    end = bench.run("", **shell)
    assert end["exitCode"] == 0
    assert end["observations"]["main"]["leftoverProcesses"] == {
        "count": 1,
        "names": ["sleep"],
        "seconds": pytest.approx(0.1, abs=0.09),
    }
    assert end["wallSeconds"] < 5


def test_a_helper_that_ends_by_itself_is_no_leftover(bench: Bench) -> None:
    end = bench.run("", command=["/bin/sh", "-c", "sleep 0.04 >/dev/null 2>&1 & exit 3"])
    assert (end["reason"], end["exitCode"]) == ("exited", 3)
    left = end["observations"]["main"]["leftoverProcesses"]
    assert left["count"] == 0
    assert left["seconds"] > 0.01


def test_what_we_ended_ourselves_left_nothing_that_one_could_know_of(bench: Bench) -> None:
    end = bench.run("import time; time.sleep(30)", timeoutSeconds=0.5)
    assert end["reason"] == "timeout"
    assert "leftoverProcesses" not in end["observations"]["main"]
    assert end["observations"]["main"]["census"]["peakProcesses"] == 1


def test_threads_are_counted_from_outside(bench: Bench) -> None:
    program = """
    import ctypes, time
    libc = ctypes.CDLL(None)
    body = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(lambda _: time.sleep(30) or 0)
    for _ in range(8): libc.pthread_create(ctypes.byref(ctypes.c_ulong()), None, body, None)
    time.sleep(0.5)
    __import__("os")._exit(0)
    """
    census = bench.run(program)["observations"]["main"]["census"]
    assert census["peakThreads"] == 9
    assert census["peakProcesses"] == 1


def test_cpu_time_of_children_that_no_look_meets_is_counted(bench: Bench) -> None:
    program = """
    import os, time
    for _ in range(20):
        if os.fork() == 0:
            end = time.process_time() + 0.03
            while time.process_time() < end: pass
            os._exit(0)
        os.wait()
    """
    census = bench.run(program)["observations"]["main"]["census"]
    assert census["cpuSeconds"] > 0.55


def test_cpu_time_of_children_that_nobody_waits_for_is_counted(bench: Bench) -> None:
    program = """
    import os, signal, time
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if os.fork() == 0:
        end = time.process_time() + 0.6
        while time.process_time() < end: pass
        os._exit(0)
    time.sleep(1.5)
    """
    assert bench.run(program)["observations"]["main"]["census"]["cpuSeconds"] > 0.4


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")
def test_a_core_that_was_not_given_is_seen_where_the_sandbox_does_not_refuse_it() -> None:
    given, other = sorted(os.sched_getaffinity(0))[:2]
    for weak in made_bench("weak"):
        program = f"import os, time; os.sched_setaffinity(0, {{{given}, {other}}}); time.sleep(0.3)"
        seen = weak.run_all([program], cores=(given,))[0]
        assert seen["observations"]["main"]["census"]["strayCores"] == [other]


TRIES = {
    "address": ('s = socket.socket(); s.connect(("192.0.2.1", 80))', ["noRoute"]),
    "datagram": ('socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("198.51.100.7", 9))', ["noRoute"]),
    "address of version 6": ('socket.socket(socket.AF_INET6).connect(("2001:db8::1", 80))', ["noRoute"]),
    "broadcast": (
        "s = socket.socket(type=socket.SOCK_DGRAM); s.setsockopt(1, 6, 1); s.sendto(b'x', ('255.255.255.255', 9))",
        ["noRoute"],
    ),
    "name": ('socket.getaddrinfo("example.com", 80)', ["udpSent", "udpRefused"]),
    "local port": ('socket.socket().connect(("127.0.0.1", 8080))', ["tcpConnects", "tcpRefused"]),
    "local port of version 6": ('socket.socket(socket.AF_INET6).connect(("::1", 80))', ["tcpConnects", "tcpRefused"]),
}


@pytest.mark.parametrize("name", TRIES)
def test_what_tries_to_reach_the_network_is_counted_by_the_kernel(sealed: Bench, name: str) -> None:
    if "version 6" in name and not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("no IPv6 here")
    attempt, counters = TRIES[name]
    program = f"import socket\ntry:\n    {attempt}\nexcept OSError: pass\nelse: raise SystemExit('it went out')"
    end = sealed.run(program)
    assert end["exitCode"] == 0
    counted = end["observations"]["main"]["network"]
    assert {one for one, count in counted.items() if count > 0} == set(counters)


def test_talk_within_a_sandbox_is_no_attempt_to_reach_out(sealed: Bench) -> None:
    program = """
    import socket
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    server.accept()[0].sendall(b"x")
    client.recv(1)
    """
    counted = sealed.run(program)["observations"]["main"]["network"]
    assert counted == {**NO_PACKETS, "tcpConnects": 1, "tcpAccepted": 1}


def test_a_sandbox_knows_its_own_names_without_asking_the_network(sealed: Bench) -> None:
    # As torchrun's rendezvous does. A name that nothing answers to costs seconds and counts as an attempt to reach out.
    program = """
    import socket
    for name in ("localhost", socket.gethostname()):
        assert ("127.0.0.1", 80) in [one[4] for one in socket.getaddrinfo(name, 80, socket.AF_INET)], name
    try:
        open("/etc/hosts", "a")
    except OSError:
        raise SystemExit(0)
    raise SystemExit("it can be changed")
    """
    end = sealed.run(program)
    assert end["exitCode"] == 0
    assert end["observations"]["main"]["network"] == NO_PACKETS


def test_an_opened_decoy_is_seen_and_a_copy_of_it_recognised(sealed: Bench) -> None:
    program = """
    import os
    os.stat("/result/result.json")
    data = open("/data/held-out.bin").read()
    print(data[:40])
    open("/output/answers", "w").write(open("/root/.ssh/id_rsa").read())
    open("/result/result.json", "r+").write("{}")
    """
    end = sealed.run(program)
    assert end["exitCode"] == 0
    seen = end["observations"]["main"]["tripwires"]
    touched = {one["target"]: (one["opens"], one["writes"] > 0) for one in seen["touched"]}
    assert touched == {
        "/data/held-out.bin": (1, False),
        "/root/.ssh/id_rsa": (1, False),
        "/result/result.json": (1, True),
    }
    assert [one["target"] for one in seen["touched"]][0] == "/data/held-out.bin"
    assert seen["leaks"] == ["/data/held-out.bin", "/root/.ssh/id_rsa"]
    assert 0 < seen["touched"][0]["firstAt"] <= end["wallSeconds"]


def test_decoys_differ_from_attempt_to_attempt_and_a_flood_of_openings_costs_little(sealed: Bench) -> None:
    program = """
    import time
    print(open("/data/held-out.bin").read().split()[0])
    end = time.monotonic() + 0.5
    while time.monotonic() < end: open("/data/held-out.bin").close()
    """
    words = set()
    for _ in range(2):
        seen = sealed.run(program)["observations"]
        words.add((sealed.attempts[-1] / "phase-0.out").read_text().strip())
        assert 100 <= seen["main"]["tripwires"]["touched"][0]["opens"] <= 5000
        assert seen["costSeconds"] < 0.1
    assert len(words) == 2


def test_each_phase_sees_its_own_touches(sealed: Bench) -> None:
    ends = sealed.run_all(["open('/result/result.json')", "pass", "open('/result/result.json')"])
    touched = [len(end["observations"]["main"]["tripwires"]["touched"]) for end in ends]
    assert touched == [1, 0, 1]


def test_what_is_made_removed_or_renamed_beside_a_decoy_is_seen_and_there_is_room_for_little(sealed: Bench) -> None:
    program = """
    import os
    os.listdir("/result"), os.listdir("/root")
    os.unlink("/data/held-out.bin")
    os.rename("/root/.ssh/id_rsa", "/root/.ssh/key")
    try: open("/result/other", "wb").write(bytes(1 << 20))
    except OSError as error: print(error.errno)
    """
    seen = sealed.run(program)["observations"]["main"]["tripwires"]["touched"]
    assert (sealed.attempts[-1] / "phase-0.out").read_text() == "28\n"
    written = {one["target"] for one in seen if one["writes"] > 0}
    assert written >= {"/data", "/root/.ssh", "/result"}
    assert "/home" not in written


def test_to_list_the_folder_of_a_decoy_is_no_touch(sealed: Bench) -> None:
    program = "import os\nfor _ in os.walk('/'): pass"
    assert sealed.run(program)["observations"]["main"]["tripwires"]["touched"] == []


def test_leftovers_are_told_apart(bench: Bench) -> None:
    program = """
    import os, socket
    os.mkfifo("/output/pipe")
    os.symlink("/etc/passwd", "/output/out")
    os.symlink("../../elsewhere", "/output/up")
    os.mkdir("/output/folder")
    os.symlink("folder", "/output/inside")
    open("/output/plain", "w").write("12345")
    os.link("/output/plain", "/output/second")
    open("/output/program", "w").close()
    os.chmod("/output/program", 0o4755)
    os.chdir("/output"); socket.socket(socket.AF_UNIX).bind("door")
    """
    files = bench.run(program)["observations"]["leftoverFiles"]
    assert files["kinds"] == {
        "pipe": 1,
        "link-out": 2,
        "folder": 1,
        "link": 1,
        "hard-link": 2,
        "set-user": 1,
        "socket": 1,
    }
    assert len(files["unusual"]) == 7
    assert "door (socket)" in files["unusual"]


def test_what_was_there_before_is_seen(sealed: Bench) -> None:
    directory = sealed.directory()
    (directory / "output" / "old").write_text("from before")
    end = sealed.supervise(directory, [sealed.phase(directory, "main", "pass")])[0]
    assert end["observations"]["main"]["fresh"]["entries"] == {"/tmp": 0, "/dev/shm": 0, "/output": 1}


def test_every_phase_begins_with_empty_folders_in_memory(sealed: Bench) -> None:
    leave = "for name in ('/tmp/x', '/dev/shm/y', '/output/z'): open(name, 'w').write('state')"
    ends = sealed.run_all([leave, "pass"])
    entries = [end["observations"]["main"]["fresh"]["entries"] for end in ends]
    assert entries == [
        {"/tmp": 0, "/dev/shm": 0, "/output": 0},
        {"/tmp": 0, "/dev/shm": 0, "/output": 1},
    ]


def test_work_before_and_after_the_limit_is_told_apart(bench: Bench) -> None:
    program = """
    import os, time
    def work(seconds):
        end = time.process_time() + seconds
        while time.process_time() < end: pass
    work(0.4)
    time.sleep(0.2)
    os.write(int(os.environ["ASSAY_READY_FD"]), b"R")
    work(0.5)
    """
    end = bench.run(program, budget={"limitSeconds": 0.2, "graceSeconds": 10})
    ready = end["observations"]["ready"]
    assert ready["cpuSeconds"] == pytest.approx(0.45, abs=0.1)
    assert ready["wallSeconds"] > 0.55
    assert (ready["processes"], ready["threads"]) == (1, 1)
    assert end["observations"]["main"]["census"]["cpuSeconds"] - ready["cpuSeconds"] == pytest.approx(0.5, abs=0.1)
    assert end["budgetSeconds"] > 0.45


def test_what_ended_with_its_ready_byte_counts_as_done_before_the_clock(bench: Bench) -> None:
    program = "import os; os.write(int(os.environ['ASSAY_READY_FD']), b'R'); os.kill(os.getpid(), 9)"
    for _ in range(3):
        end = bench.run(program, budget={"limitSeconds": 1, "graceSeconds": 1})
        assert ("budgetSeconds" in end) == ("ready" in end["observations"])
        assert 0 <= end["observations"].get("ready", {"cpuSeconds": 0})["cpuSeconds"] < 0.2


def test_a_peer_is_watched_apart_from_the_judge(sealed: Bench) -> None:
    directory = sealed.directory()
    ask = """
    import os
    os.read(int(os.environ["ASSAY_PEER_IN_FD"]), 1)
    """
    answer = """
    import os, socket, threading, time
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    open("/data/held-out.bin")
    try: socket.socket().connect(("192.0.2.1", 80))
    except OSError: pass
    time.sleep(1)
    os.write(1, b"x")
    time.sleep(60)
    """
    phase = sealed.phase(directory, "judge", ask, peer={**process(directory, answer), "mounts": []})
    del phase["tripwires"]
    seen = sealed.supervise(directory, [phase])[0]["observations"]
    assert (seen["main"]["census"]["peakThreads"], seen["peer"]["census"]["peakThreads"]) == (1, 2)
    assert (seen["main"]["network"]["noRoute"], seen["peer"]["network"]["noRoute"] > 0) == (0, True)
    assert "tripwires" not in seen["main"]
    assert [one["target"] for one in seen["peer"]["tripwires"]["touched"]] == ["/data/held-out.bin"]


def test_looking_costs_less_than_a_hundredth_of_a_core_whatever_there_is_to_look_at(sealed: Bench) -> None:
    program = """
    import threading, time
    for _ in range(50): threading.Thread(target=time.sleep, args=(1.5,)).start()
    """
    seen = sealed.run(program)["observations"]
    assert seen["main"]["census"]["peakThreads"] == 51
    assert seen["main"]["census"]["samples"] >= 3
    # Start and end cost some milliseconds more than the looks.
    assert seen["costSeconds"] < 0.01 * 1.5 + 0.03
