"""Stands in for tiktoken in tests: the few methods of an Encoding that are used, on our own byte pairs."""
