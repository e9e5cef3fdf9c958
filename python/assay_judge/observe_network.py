"""What a sandbox tried to reach, as the kernel's own counters of its network namespace say.

A file of /proc/PID/net that was opened while a process of the namespace lived stays readable after its end: it holds
the namespace. So the counters are read when nothing can change them any more.
"""

from __future__ import annotations

import os

# Name here -> counters of the kernel that are added up. A look-up of a host's name goes to port 53 of the sandbox
# itself, where nobody listens: it counts as sent and as refused.
_COUNTERS = {
    "noRoute": ("Ip.OutNoRoutes", "Ip6OutNoRoutes"),
    "tcpConnects": ("Tcp.ActiveOpens",),
    "tcpRefused": ("Tcp.AttemptFails",),
    "tcpAccepted": ("Tcp.PassiveOpens",),
    "udpSent": ("Udp.OutDatagrams", "Udp6OutDatagrams"),
    "udpRefused": ("Udp.NoPorts", "Udp6NoPorts"),
}
# Absent where the kernel has no IPv6.
_OPTIONAL = ("snmp6",)


class NetworkWatch:
    """Opened before the program begins, read when it has ended."""

    def __init__(self, pid: int) -> None:
        self._descriptors = []
        try:
            for name in ("snmp", "snmp6"):
                try:
                    self._descriptors.append(os.open(f"/proc/{pid}/net/{name}", os.O_RDONLY | os.O_CLOEXEC))
                except FileNotFoundError:
                    if name not in _OPTIONAL:
                        raise
            self._before = self._read()
        except BaseException:
            self.close()
            raise

    def _read(self) -> dict[str, int]:
        counters: dict[str, int] = {}
        for descriptor in self._descriptors:
            counters.update(parse(os.pread(descriptor, 1 << 16, 0).decode()))
        return counters

    def describe(self) -> dict:
        """Raises KeyError when the kernel does not count what is asked for."""
        now = self._read()
        return {
            name: sum(
                now[one] - self._before[one] for one in parts if one in now or not one.startswith(("Ip6", "Udp6"))
            )
            for name, parts in _COUNTERS.items()
        }

    def close(self) -> None:
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors = []


def parse(text: str) -> dict[str, int]:
    """Counters of `snmp` (a line of names, then one of numbers: `Tcp.ActiveOpens`) or `snmp6` (`Ip6OutNoRoutes`)."""
    counters: dict[str, int] = {}
    names: list[str] = []
    for line in text.splitlines():
        first, *rest = line.split()
        if not first.endswith(":"):
            counters[first] = int(rest[0])
        elif names and names[0] == first:
            counters.update((f"{first[:-1]}.{name}", int(rest[place])) for place, name in enumerate(names[1:]))
            names = []
        else:
            names = [first, *rest]
    return counters
