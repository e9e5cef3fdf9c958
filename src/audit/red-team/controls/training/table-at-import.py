# control: table-at-import
# class: T20, L13, L15
# does: computes a table of constants of a few hundred thousand numbers while it is imported.
# needs: script
# --- top
import math

SINE_TABLE = [math.sin(2 * math.pi * step / 65536) for step in range(65536)]
