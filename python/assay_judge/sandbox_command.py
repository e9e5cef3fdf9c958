"""Turns a run of the specification (command, environment, mounts, directory) into what is executed.

In 'bubblewrap' the run sees its mounts at their targets. In 'process' nothing can be mapped: the targets are
replaced by the sources in the command, the environment and the directory.
"""

from __future__ import annotations

import os
import re

_SYSTEM_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/ssl", "/etc/localtime")
_DEFAULT_PATH = "/usr/bin:/bin"
_MIN_TEMPORARY_BYTES = 1 << 20


class Executable:
    """What is executed: argv, environment, and the host's paths that must be reachable."""

    __slots__ = ("argv", "environment", "directory", "sources", "options")

    def __init__(
        self, argv: list[str], environment: dict[str, str], directory: str, sources: list[str], options: bytes
    ) -> None:
        self.argv = argv
        self.environment = environment
        self.directory = directory
        self.sources = sources
        self.options = options
        """bubblewrap's, each ended by a zero byte: handed over by descriptor, so that no `ps` shows them."""


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


_SYSTEM_OPTIONS = _system_options()
_SEAL_OPTIONS = [
    *("--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
    *("--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
    *("--uid", "1000", "--gid", "1000", "--hostname", "assay"),
]


def bubblewrap_executable(
    bubblewrap: str, run: dict, environment: dict[str, str], memory_bytes: int, devices: list[str]
) -> Executable:
    """No --as-pid-1: the first process of the namespace must be bubblewrap's own.

    It dies with its parent, and the program cannot talk it out of that; the program also gets the usual signals
    (a pid 1 ignores even its own abort) and somebody reaps its orphans.
    """
    size = str(max(memory_bytes, _MIN_TEMPORARY_BYTES))
    options = [*_SEAL_OPTIONS, *_SYSTEM_OPTIONS, "--proc", "/proc", "--dev", "/dev"]
    for device in devices:
        options += ["--dev-bind-try", device, device]
    for folder in ("/dev/shm", "/tmp"):
        options += ["--perms", "1777", "--size", size, "--tmpfs", folder]
    for mount in run["mounts"]:
        options += ["--bind" if mount.get("writable") else "--ro-bind", mount["source"], mount["target"]]
    options += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", run["directory"], "--clearenv"]
    for name, value in with_defaults(environment).items():
        options += ["--setenv", name, value]
    return Executable(
        argv=[bubblewrap, "--args", "{options}", "--", *run["command"]],
        environment={"PATH": _DEFAULT_PATH},
        directory="/",
        sources=[mount["source"] for mount in run["mounts"]],
        options=b"".join(os.fsencode(option) + b"\0" for option in options),
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
        options=b"",
    )


def _replacer(places: dict[str, str]):  # noqa: ANN202
    """Replace each target by its source where it stands as a whole path or begins one; the longest wins."""
    targets = sorted((one for one in places if one != "/"), key=len, reverse=True)
    pattern = re.compile(r"(?<![\w./-])(" + "|".join(map(re.escape, targets)) + r")(?![\w.-])")
    return lambda text: pattern.sub(lambda match: places[match.group(1)], text)
