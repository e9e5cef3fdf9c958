"""The trusted side of Assay in Python: what must run beside or around a candidate, and what judges it."""
