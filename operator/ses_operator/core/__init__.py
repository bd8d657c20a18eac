"""The pure core: what records are needed, what calls to make and in what order, what to report.

Nothing here does I/O, reads a clock or logs: plain frozen values in, plain frozen values out.
"""
