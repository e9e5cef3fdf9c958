"""Stands in for rustbpe where a tokenizer is there already: nothing is trained, so nothing of it is called."""


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    raise RuntimeError(f"rustbpe.{name}: this is a substitute without training; make the tokenizer with assay data")
