"""Measures what the operator costs, on the real control plane and against the sandbox: `make bench`, `make bench-large`."""
