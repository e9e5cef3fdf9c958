"""The messages between the judge of C kernels and the process that hosts a candidate's kernels.

Both messages have one fixed size, little-endian, but for a reply's text. Arrays travel through one file in the
exchange folder, mapped by the host; a message only says where in it they lie. The judge treats every byte of a reply
and of the file as hostile, never maps the file (who can write it can shorten it), and believes no time of the host's.
"""

from __future__ import annotations

import struct

AREA_FILE = "area"
"""Name of the shared file in the exchange folder. The judge makes it before it asks the host to open it."""

LOOP_FILE = "loop.so"
"""Name of the compiled loop in the exchange folder, laid there by the judge too."""

REQUEST_MAGIC = b"KQ01"
REPLY_MAGIC = b"KR01"
REQUEST = struct.Struct("<4sQII3q4Q")
"""Magic, request id, operation, kernel, three sizes, four offsets into the file (inputs in order, then the output)."""
REPLY = struct.Struct("<4sQIqqI")
"""Magic, request id, status, wall and CPU nanoseconds as the host claims them, size of the text that follows."""

OPEN = 1
"""Map the file of sizes[0] bytes, touch every page, load the loop."""
LOAD = 2
"""Load the library. The text of the reply is its SHA-256 in hexadecimal."""
CALL = 3
"""Answered in C: see kernel_loop.c. All else is answered in Python."""
USAGE = 4
"""The CPU nanoseconds of the host's whole process so far, in the reply's CPU field; wall: number of its threads. The
text is the last process number given out in the host's namespace, if that is its own: it counts what was started."""
QUIT = 5

OK = 0
FAILED = 1
MAX_TEXT_BYTES = 4096

KERNELS = ("softmax", "rms_norm", "matmul_gelu", "cross_entropy")
"""By number in a request."""
STAND_IN = 4
"""The number of a call that copies sizes[0] bytes from the first place to the second. Made before LOAD, when the host's
times can be believed: the difference to the judge's is the price of asking. And with nothing to copy right before each
call: both processes wake up with cold caches, which a host that never sleeps would save."""
POINTERS = {"softmax": 2, "rms_norm": 3, "matmul_gelu": 4, "cross_entropy": 3}
"""How many arrays each takes, its output last; then come its sizes as int64."""
SIZES = {"softmax": 2, "rms_norm": 2, "matmul_gelu": 3, "cross_entropy": 2}
