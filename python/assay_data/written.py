"""Files below a folder, with their digests."""

import hashlib
import os
from collections.abc import Callable
from typing import Any, BinaryIO


class Written:
    def __init__(self, root: str) -> None:
        self.root = root
        self.digests: dict[str, str] = {}

    def file(self, name: str, write: Callable[[BinaryIO], Any]) -> None:
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as target:
            write(target)
        with open(path, "rb") as source:
            self.digests[name] = hashlib.file_digest(source, "sha256").hexdigest()


OWN_TEXT = "the text is not upstream's: losses compare with baselines on the same data.json alone"
