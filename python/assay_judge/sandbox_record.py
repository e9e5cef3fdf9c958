"""The record folder of an attempt: JSON files that are complete or absent, and size-capped output files."""

from __future__ import annotations

import errno
import json
import os
import time

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_RETRIES = 5


class RecordError(Exception):
    """The record cannot be written. The attempt must then end as 'lost', never with a wrong record."""


def _retry(action, what: str):  # noqa: ANN001, ANN202
    """Run `action` again while the disk is full: 0.1, 0.2, ... 1.6 seconds apart."""
    for attempt in range(_RETRIES + 1):
        try:
            return action()
        except OSError as error:
            if error.errno not in _DISK_FULL or attempt == _RETRIES:
                raise RecordError(f"cannot write {what}: {error.strerror}") from error
            time.sleep(0.1 * 2**attempt)


def _write_new(path: str, data: bytes, sync: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, data)
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read_json(path: str):  # noqa: ANN201
    with open(path, "rb") as file:
        return json.loads(file.read())


def write_json(path: str, value: object, sync: bool) -> None:
    """Readers see the old file or the whole new one. `sync`: it also survives a power cut."""
    temporary = f"{path}.{os.getpid()}.tmp"

    def write() -> None:
        _write_new(temporary, _encode(value), sync)
        os.rename(temporary, path)

    _retry(write, path)


def claim_json(path: str, value: object) -> bool:
    """Like write_json, but False when the file exists: of all that try, one succeeds."""
    temporary = f"{path}.{os.getpid()}.tmp"

    def write() -> bool:
        _write_new(temporary, _encode(value), False)
        try:
            os.link(temporary, path)
            return True
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
            return _claim_without_links(path, value)
        finally:
            os.unlink(temporary)

    return _retry(write, path)


def _claim_without_links(path: str, value: object) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    try:
        write_all(descriptor, _encode(value))
    finally:
        os.close(descriptor)
    return True


def append_json(path: str, value: object) -> None:
    def write() -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            write_all(descriptor, _encode(value))
        finally:
            os.close(descriptor)

    _retry(write, path)


class CappedOutput:
    """Copies a pipe into a file up to `limit` bytes; reads, counts and drops the rest."""

    def __init__(self, path: str, limit: int) -> None:
        self.limit = limit
        self.total_bytes = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._file = _retry(lambda: os.open(path, flags, 0o600), path)
        self._path = path
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)

    @property
    def truncated(self) -> bool:
        return self.total_bytes > self.limit

    def _copy_once(self) -> int:
        """Bytes taken; 0 when all writers have closed; -1 when there is nothing to read now."""
        try:
            data = os.read(self.reader, 65536)
        except BlockingIOError:
            return -1
        self._keep(data)
        return len(data)

    def copy_available(self) -> bool:
        """False when all writers have closed."""
        for _ in range(16):
            size = self._copy_once()
            if size <= 0:
                return size < 0
        return True

    def drain(self) -> None:
        """All writers are dead: take what they left in the pipe."""
        while self._copy_once() > 0:
            pass

    def _keep(self, data: bytes) -> None:
        room = self.limit - self.total_bytes
        self.total_bytes += len(data)
        if room <= 0:
            return
        rest = memoryview(data)[:room]
        while rest:
            rest = rest[_retry(lambda kept=rest: os.write(self._file, kept), self._path) :]

    def close_writer(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def close(self) -> None:
        self.close_writer()
        os.close(self.reader)
        os.close(self._file)


def parse_json(line: str):  # noqa: ANN201
    """None for a line that was cut off by a crash."""
    try:
        return json.loads(line)
    except ValueError:
        return None
