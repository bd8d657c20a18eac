"""Loopback ports for programs that cannot say which one they took."""

import random
import socket

# Below the range from which Linux takes the ports of outgoing connections (ip_local_port_range), one of which could
# otherwise take the port between the check here and the bind by the program.
_RANGE = range(20_000, 32_000)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on at the moment."""
    for port in random.sample(_RANGE, k=200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port on 127.0.0.1")
