"""Own text in the file formats of the public benchmarks. Run as programs; standard library, and torch for one file."""
