"""The measured claims: the product against a bare limit and against its framework. `python -m benchmarks`."""
