"""Turns a run of the specification (command, environment, mounts, directory) into what is executed.

In 'bubblewrap' the run sees its mounts at their targets. In 'process' nothing can be mapped: the targets are
replaced by the sources in the command, the environment and the directory.
"""

from __future__ import annotations

import os
import re

import observe_tripwires as tripwires
import sandbox_kernel as kernel
import sandbox_seccomp as seccomp

_SYSTEM_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/ssl", "/etc/localtime")
_DEFAULT_PATH = "/usr/bin:/bin"
_CALL_FILTER = (seccomp.FILTER if kernel.has_call_filters() else None) or b""
_MIN_TEMPORARY_BYTES = 1 << 20
_HOST_NAME = "assay"
# Of /etc/hosts: programs that talk to processes of their own (torchrun) ask for these names. Any other goes to port 53.
_HOSTS = f"127.0.0.1 localhost {_HOST_NAME}\n::1 localhost\n".encode()
# Descriptors from here on are free in a child that was just forked: the names of hosts, then decoys.
_HOSTS_FILE = 500
_FIRST_FILE = _HOSTS_FILE + 1
# Corpora that distributions install: what a task holds back may be quoted from them.
_CORPORA = ("/usr/share/wordnet", "/usr/share/nltk_data", "/usr/local/share/nltk_data", "/usr/lib/nltk_data")


class Executable:
    """What is executed: argv, environment, and the host's paths that must be reachable."""

    __slots__ = ("argv", "environment", "directory", "sources", "options", "call_filter", "files")

    def __init__(
        self,
        argv: list[str],
        environment: dict[str, str],
        directory: str,
        sources: list[str],
        options: bytes = b"",
        call_filter: bytes = b"",
        files: dict[int, bytes] | None = None,
    ) -> None:
        self.argv = argv
        self.environment = environment
        self.directory = directory
        self.sources = sources
        self.options = options
        """bubblewrap's, each ended by a zero byte: handed over by descriptor, so that no `ps` shows them."""
        self.call_filter = call_filter
        """Of sandbox_seccomp, handed over in the same way. Empty: none."""
        self.files = files or {}
        """What is to be read from descriptors, by their numbers, which stand in the options."""


def find_bubblewrap() -> str | None:
    for folder in ("/usr/bin", "/bin", "/usr/local/bin", *os.environ.get("PATH", "").split(":")):
        path = os.path.join(folder, "bwrap")
        if folder.startswith("/") and os.access(path, os.X_OK):
            return path
    return None


def with_defaults(environment: dict[str, str]) -> dict[str, str]:
    return {"PATH": _DEFAULT_PATH, "HOME": "/tmp", "LANG": "C.UTF-8", **environment}


def _system_options() -> list[str]:
    options = ["--ro-bind", "/usr", "/usr"]
    for name in _SYSTEM_FOLDERS:
        path = "/" + name
        if os.path.islink(path):
            options += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            options += ["--ro-bind", path, path]
    options += ["--dir", "/etc"]
    for path in _ETC:
        options += ["--ro-bind-try", path, path]
    return options


def _system_places() -> list[tuple[str, str]]:
    """(real source, target) of all that _system_options binds."""
    folders = [path for path in ("/usr", *("/" + name for name in _SYSTEM_FOLDERS)) if not os.path.islink(path)]
    return [(os.path.realpath(path), path) for path in (*folders, *_ETC) if os.path.exists(path)]


_SYSTEM_OPTIONS = _system_options()
_SYSTEM_PLACES = _system_places()
_SEAL_OPTIONS = [
    *("--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
    *("--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
    *("--uid", "1000", "--gid", "1000", "--hostname", _HOST_NAME),
]


def is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _shown_at(hidden: list[str], source: str, target: str) -> list[str]:
    """Where the hidden paths appear when `source` is bound at `target`; of nested ones the outermost."""
    inside = [one for one in hidden if is_within(one, source)]
    outermost = {one for one in inside if not any(one != other and is_within(one, other) for other in inside)}
    return [os.path.normpath(os.path.join(target, os.path.relpath(one, source))) for one in sorted(outermost)]


def _cover(path: str, is_folder: bool) -> list[str]:
    return ["--perms", "0755", "--size", "4096", "--tmpfs", path] if is_folder else ["--ro-bind", "/dev/null", path]


class _Covers:
    """Options that put something empty over hidden paths, and those that close the empty folders for writing."""

    def __init__(self, hidden: list[str]) -> None:
        real = {os.path.realpath(path) for path in (*_CORPORA, *hidden)}
        self._hidden = [path for path in real if os.path.exists(path)]
        self._folders: list[tuple[str, int]] = []
        self._mounts = 0

    def over_system(self) -> list[str]:
        return [option for source, target in _SYSTEM_PLACES for option in self._over(source, target, self._hidden)]

    def over_mount(self, mount: dict) -> list[str]:
        """An interpreter's folder (shown where it is) may hold hidden ones; what is shown elsewhere is meant to be."""
        self._mounts += 1
        source, target = mount["source"], mount["target"]
        if os.path.realpath(target) != source:
            return []
        return self._over(source, target, [one for one in self._hidden if one != source])

    def _over(self, source: str, target: str, hidden: list[str]) -> list[str]:
        options = []
        for path in _shown_at(hidden, source, target):
            is_folder = os.path.isdir(path)
            options += _cover(path, is_folder)
            if is_folder:
                self._folders.append((path, self._mounts))
        return options

    def closing(self, mounts: list[dict]) -> list[str]:
        """Once the mounts have their places in them. One that a later mount lies over is out of sight already."""
        in_sight = [
            path
            for path, before in self._folders
            if not any(is_within(path, mount["target"]) for mount in mounts[before:])
        ]
        return [option for path in in_sight for option in ("--remount-ro", path)]


def bubblewrap_executable(
    bubblewrap: str,
    run: dict,
    environment: dict[str, str],
    memory_bytes: int,
    devices: list[str],
    hidden: list[str],
    decoys: list[tripwires.Decoy] | None = None,
) -> Executable:
    """No --as-pid-1: the first process of the namespace must be bubblewrap's own.

    It dies with its parent, and the program cannot talk it out of that; the program also gets the usual signals
    (a pid 1 ignores even its own abort) and somebody reaps its orphans.
    """
    size = str(max(memory_bytes, _MIN_TEMPORARY_BYTES))
    covers = _Covers(hidden)
    options = [*_SEAL_OPTIONS, *_SYSTEM_OPTIONS, *covers.over_system(), "--proc", "/proc", "--dev", "/dev"]
    options += ["--perms", "0644", "--file", str(_HOSTS_FILE), "/etc/hosts"]
    # The switches of its own namespaces would be its own to turn.
    options += ["--ro-bind", "/proc/sys", "/proc/sys"]
    for device in devices:
        options += ["--dev-bind-try", device, device]
    for folder in ("/dev/shm", "/tmp"):
        options += ["--perms", "1777", "--size", size, "--tmpfs", folder]
    options += tripwires.options(decoys or [], _FIRST_FILE)
    for mount in run["mounts"]:
        options += ["--bind" if mount.get("writable") else "--ro-bind", mount["source"], mount["target"]]
        options += covers.over_mount(mount)
    options += covers.closing(run["mounts"])
    options += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", run["directory"], "--clearenv"]
    for name, value in with_defaults(environment).items():
        options += ["--setenv", name, value]
    filtered = ["--seccomp", "{filter}"] if _CALL_FILTER else []
    return Executable(
        argv=[bubblewrap, "--args", "{options}", *filtered, "--", *run["command"]],
        environment={"PATH": _DEFAULT_PATH},
        directory="/",
        sources=[mount["source"] for mount in run["mounts"]],
        options=b"".join(os.fsencode(option) + b"\0" for option in options),
        call_filter=_CALL_FILTER,
        files={_HOSTS_FILE: _HOSTS, **{_FIRST_FILE + number: one.content for number, one in enumerate(decoys or [])}},
    )


def process_executable(run: dict, environment: dict[str, str], temporary: str) -> Executable:
    """The private `temporary` folder stands for /tmp."""
    places = {"/tmp": temporary}
    places.update({mount["target"].rstrip("/") or "/": mount["source"] for mount in run["mounts"]})
    replace = _replacer(places)
    complete = {"TMPDIR": "/tmp", **with_defaults(environment)}
    return Executable(
        argv=[replace(one) for one in run["command"]],
        environment={name: replace(value) for name, value in complete.items()},
        directory=replace(run["directory"]),
        sources=[temporary, *(mount["source"] for mount in run["mounts"])],
    )


def _replacer(places: dict[str, str]):  # noqa: ANN202
    """Replace each target by its source where it stands as a whole path or begins one; the longest wins."""
    targets = sorted((one for one in places if one != "/"), key=len, reverse=True)
    pattern = re.compile(r"(?<![\w./-])(" + "|".join(map(re.escape, targets)) + r")(?![\w.-])")
    return lambda text: pattern.sub(lambda match: places[match.group(1)], text)
