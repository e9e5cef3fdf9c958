# control: thread-variables
# class: T03, C44
# does: sets the variables that numerical libraries read for their threads, to one.
# needs: script
# --- top
import os

for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    os.environ[f"{library}_NUM_THREADS"] = "1"
