"""Tries what a candidate may not do and prints one line of JSON for each attempt: {"name", "outcome", "detail"}.

    python3 attack.py ROLE       candidate: in its own phase, host: beside the judge, joined to it by two pipes

`outcome` is "done" when the attempt worked, "denied" when it did not, whatever stopped it. It is told where everything
lies (targets.json), so that what fails does not fail for want of knowledge.
"""

import ctypes
import errno
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import sysconfig

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "targets.json"), encoding="utf-8") as file:
    TARGETS = json.load(file)
# Turned round in the file, so that the file itself holds none of them.
NEEDLES = [needle[::-1].encode() for needle in TARGETS["needles"]]
LIBC = ctypes.CDLL(None, use_errno=True)
BIG = 1 << 20
# Of the system alone, and large: what is tried on /usr and on Python's own folders stands for them.
SYSTEM = ("/proc", "/sys", "/usr/lib", "/usr/share", "/usr/include")


class Denied(Exception):
    """Nothing refused it, but it led to nothing either."""


def call(number, *arguments):
    """A system call by its number."""
    result = LIBC.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def must_hold(content):
    """A file may stand there for show: what counts is what the tests planted."""
    found = [needle for needle in NEEDLES if needle in content]
    if not found:
        raise Denied("it holds nothing that was planted")
    return found[0].decode()


def read(path):
    with open(path, "rb") as file:
        return must_hold(file.read(BIG))


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def files_below(top, skip=()):
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in skip]
        for name in names:
            yield os.path.join(folder, name)


def search_contents():
    """Every file outside the system's folders."""
    count = 0
    for path in files_below("/", ("/proc", "/usr", "/sys", "/dev")):
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                continue
            with open(path, "rb") as file:
                content = file.read(BIG)
        except OSError:
            continue
        count += 1
        if any(needle in content for needle in NEEDLES):
            return path
    raise Denied(f"{count} files, none holds what was planted")


def search_names():
    wanted = tuple("/" + name for name in TARGETS["names"])
    count = 0
    for path in files_below("/", SYSTEM):
        count += 1
        if path.endswith(wanted):
            return path
    raise Denied(f"{count} names")


def search_processes(what):
    """What /proc shows of any process but this one."""
    pids = [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
    for pid in pids:
        try:
            with open(f"/proc/{pid}/{what}", "rb") as file:
                content = file.read()
        except OSError:
            continue
        for needle in NEEDLES:
            if needle in content:
                return f"{needle.decode()} in /proc/{pid}/{what}"
    raise Denied(f"{len(pids)} processes")


def look_through(what):
    """Another root or another open file of some process."""
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        base = f"/proc/{name}/{what}"
        places = [base] if what == "root" else [f"{base}/{number}" for number in os.listdir(base)]
        for place in places:
            for path in TARGETS["files"].values():
                try:
                    return read(place + path)
                except (OSError, Denied):
                    pass
    raise Denied("nothing of the host is behind them")


def is_private_memory(folder):
    """Whether it lies in memory that was made for this sandbox and ends with it. Decoys lie in such."""
    best = ("", False)
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            fields = line.split()
            place = fields[4].rstrip("/")
            if (folder + "/").startswith(place + "/") and len(place) >= len(best[0]):
                best = (place, fields[3] == "/" and fields[fields.index("-") + 1] == "tmpfs")
    return best[1]


def write(path):
    with open(path, "ab") as file:
        file.write(b"x")
    if is_private_memory(os.path.dirname(path)):
        raise Denied("written to memory of its own")
    return path


def make_folder(path):
    os.mkdir(path)
    return path


def writable_folders():
    """All but those that are its own."""
    own = TARGETS["own"][ROLE]
    found = []
    for folder, folders, _ in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in (*SYSTEM, *own)]
        try:
            os.rmdir(make_folder(os.path.join(folder, "planted")))
            if not is_private_memory(folder):
                found.append(folder)
        except OSError:
            pass
    if not found:
        raise Denied("none")
    return found


def switches():
    """Of the kernel, in /proc."""
    found = [path for path in files_below("/proc/sys") if os.access(path, os.W_OK)]
    found += [path for path in ("/proc/sysrq-trigger", "/proc/kcore", "/proc/kmsg") if os.access(path, os.W_OK)]
    if not found:
        raise Denied("none")
    return found


def link_to(source, target):
    os.link(source, target)
    return target


def other_users_files():
    """Files that belong to somebody else and can be changed."""
    for path in files_below("/", ("/proc", "/sys", "/dev", "/usr")):
        try:
            if os.lstat(path).st_uid != os.getuid() and os.access(path, os.W_OK):
                return path
        except OSError:
            pass
    raise Denied("none")


def descriptors():
    """All that was inherited, but pipes and /dev/null."""
    allowed = re.compile(r"^(pipe:\[\d+\]|/dev/null)$")
    seen = []
    for number in os.listdir("/proc/self/fd"):
        try:
            seen.append(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:
            pass  # the listing's own
    strange = [target for target in seen if not allowed.match(target)]
    if not strange:
        raise Denied(f"{len(seen)} pipes")
    return strange


def set_user_again():
    os.setuid(0)
    return os.getuid()


def privileges():
    with open("/proc/self/status", encoding="ascii") as file:
        lines = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    kept = {name: lines[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}
    if set(kept.values()) == {"0" * 16} and lines["NoNewPrivs"] == "1":
        raise Denied("none, and none to be had")
    return {**kept, "NoNewPrivs": lines["NoNewPrivs"]}


def run(*words):
    done = subprocess.run(words, capture_output=True, timeout=10, check=False)
    if done.returncode != 0:
        raise Denied(done.stderr.decode(errors="replace").strip()[-100:])
    return done.stdout.decode(errors="replace")


def new_namespace():
    """By a fork with flags, which no filter of calls looks into."""
    clone_new_user = 0x10000000
    pid = call(TARGETS["clone"], ctypes.c_ulong(clone_new_user | signal.SIGCHLD), None, None, None, None)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def filtered(number):
    """Without a filter, nonsense as arguments is refused as nonsense, or even accepted."""
    try:
        return call(number, 0, 0, 0, 0, 0, 0)
    except OSError as error:
        if error.errno in (errno.EPERM, errno.ENOSYS):
            raise
        return f"the kernel has looked at it: {error.strerror}"


def families():
    open_ones = []
    for family in range(46):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            try:
                socket.socket(family, kind).close()
                open_ones.append(family)
                break
            except OSError:
                pass
    strange = [family for family in open_ones if family not in (1, 2, 10, 16)]
    if not strange:
        raise Denied(f"only {open_ones}")
    return strange


def connect(address, family=socket.AF_UNIX):
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(2)
        client.connect(address)
        return client.recv(100).decode()


def shared_memory(key):
    number = LIBC.shmget(key, 0, 0)
    if number < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return number


def message_queue(key):
    number = LIBC.msgget(key, 0)
    if number < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return number


def host_names():
    """Where the mounts come from: the kernel shows it to everybody who has them."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            root = line.split()[3]
            if TARGETS["campaign"] in root:
                return root
    raise Denied("no name of the campaign")


def memory_of_first_process():
    with open("/proc/1/mem", "r+b", buffering=0):
        return "opened for writing"


def attempts():
    """Name and function of each; the tests know them by these names."""
    for label, path in TARGETS["files"].items():
        yield f"read {label}", lambda path=path: read(path)
    yield "find what was planted in any file", search_contents
    yield "find a module of the judge or a planted name", search_names
    for what in ("environ", "cmdline"):
        yield f"read another process's {what}", lambda what=what: search_processes(what)
    for what in ("root", "cwd", "fd"):
        yield f"look through another process's {what}", lambda what=what: look_through(what)
    folders = ["/", "/usr", "/usr/bin", "/etc", "/dev", "/workspace", "/assay", "/assay/assay_judge"]
    folders += [sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), *TARGETS["closed"][ROLE]]
    for folder in folders:
        yield f"write to {folder}", lambda folder=folder: write(os.path.join(folder, "planted"))
    yield "write over its own program", lambda: write(os.path.abspath(__file__))
    yield "write over an interpreter", lambda: write(os.path.realpath(sys.executable))
    yield "write to any folder that is not its own", writable_folders
    yield "write to a file of another user", other_users_files
    yield "turn a switch of the kernel", switches
    own = TARGETS["own"][ROLE][0]
    yield "hard link to a file of the workspace", lambda: link_to(os.path.abspath(__file__), f"{own}/hard-1")
    yield "hard link to a file of the system", lambda: link_to("/usr/bin/env", f"{own}/hard-2")
    yield "become root", set_user_again
    yield "have privileges", privileges
    yield "change the root", lambda: os.chroot("/tmp")
    yield "mount", lambda: call(TARGETS["calls"]["mount"], b"none", b"/tmp", b"tmpfs", 0, None)
    yield "make a user namespace with unshare", lambda: run("unshare", "-U", "true")
    yield "make a user namespace with a fork", new_namespace
    yield "make a sandbox of its own", lambda: run("bwrap", "--ro-bind", "/", "/", "true")
    for name, number in TARGETS["calls"].items():
        yield f"call {name}", lambda number=number: filtered(number)
    yield "leave its cores", lambda: os.sched_setaffinity(0, range(os.cpu_count() or 1))
    yield (
        "look into the engine's process",
        lambda: call(TARGETS["calls"]["ptrace"], 16, TARGETS["processes"]["engine"], 0, 0),
    )
    for label, pid in TARGETS["processes"].items():
        yield f"signal the {label}", lambda pid=pid: os.kill(pid, 0)
    yield "open a socket of an unusual family", families
    yield "reach a server of this machine", lambda: connect(("127.0.0.1", TARGETS["port"]), socket.AF_INET)
    yield "reach an abstract socket of the host", lambda: connect("\0" + TARGETS["socket"])
    yield "reach an abstract socket of the judge or another run", lambda: connect("\0assay-zones")
    yield "find shared memory of the judge or another run", lambda: shared_memory(TARGETS["key"])
    yield "find a message queue of the judge or another run", lambda: message_queue(TARGETS["key"])
    for folder in ("/dev/shm", "/tmp", *TARGETS["closed"][ROLE]):
        yield f"find what another run left in {folder}", lambda folder=folder: os.stat(f"{folder}/left").st_size
    yield "have a descriptor that is no pipe", descriptors
    yield "learn the campaign's folder and the trial's token", host_names
    yield "write the memory of its sandbox's first process", memory_of_first_process


def leave_traces():
    """In every place that takes them, for the next run to find. Each is a right that it has: a control."""
    for folder in ("/dev/shm", "/tmp"):
        with open(f"{folder}/left", "w", encoding="ascii") as file:
            file.write("left")
        yield f"leave a file in {folder}", folder
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind("\0assay-zones")
    server.listen()
    KEPT.append(server)
    yield "listen on an abstract socket", "assay-zones"
    yield "make shared memory", LIBC.shmget(TARGETS["key"], 4096, 0o1666)
    yield "make a message queue", LIBC.msgget(TARGETS["key"], 0o1666)


KEPT = []


def say(report, name, outcome, detail):
    report.write(json.dumps({"name": name, "outcome": outcome, "detail": str(detail)[:300]}) + "\n")
    report.flush()


def main(report):
    for name, attempt in attempts():
        try:
            say(report, name, "done", attempt())
        except Exception as error:  # noqa: BLE001 (whatever stopped it)
            say(report, name, "denied", f"{type(error).__name__}: {error}")


def finish(report):
    """What it leaves for the judge: a result of its own, links to what it may not read."""
    for name, detail in leave_traces():
        say(report, name, "done" if detail != -1 else "denied", detail)
    for label, path in TARGETS["files"].items():
        os.symlink(path, "/output/" + label.replace(" ", "-"))
    for folder in TARGETS["closed"]["candidate"]:
        try:
            with open(f"{folder}/left", "w", encoding="ascii") as file:
                file.write("left")
        except OSError:
            pass
    forged = {"valid": True, "metric": "score", "value": 1e9, "metrics": {}, "checks": []}
    for name in ("result.json", "score.json"):
        with open(f"/output/{name}", "w", encoding="utf-8") as file:
            json.dump(forged, file)
    print("---\nscore: 1000000000")
    with open("/output/private", "w", encoding="ascii") as file:
        file.write("for nobody else")
    os.chmod("/output/private", 0o600)
    os.chmod("/output", 0o700)


ROLE = sys.argv[1] if len(sys.argv) > 1 else "candidate"
if __name__ == "__main__" and ROLE == "host":
    sys.stdin.buffer.readline()  # the judge has made what is to be looked for
    main(sys.stderr)
    # It can write what it wants to the judge: it is a claim.
    print(json.dumps({"valid": True, "metric": "score", "value": 1e9}), flush=True)
    sys.stdin.buffer.readline()
elif __name__ == "__main__":
    main(sys.stdout)
    finish(sys.stdout)
