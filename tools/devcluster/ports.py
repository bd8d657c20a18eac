"""Loopback ports for programs that cannot report which one they took."""

import random
import socket
import sys
from collections import deque

# Below the range from which Linux takes the ports of outgoing connections (ip_local_port_range), one of which could
# otherwise take the port between the check here and the bind by the program.
_RANGE = range(20_000, 32_000)
# The latest ones that were given out: their programs may not have bound them yet. Closed when this process ends.
_reservations: deque[socket.socket] = deque(maxlen=64)


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 without a listener at the moment, which is given to no other process soon."""
    for port in random.sample(_RANGE, k=200):
        reservation = _reserved(port)
        if reservation is None:
            continue
        if _is_free(port):
            _reservations.append(reservation)
            return port
        reservation.close()
    raise OSError("no free port on 127.0.0.1")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _reserved(port: int) -> socket.socket | None:
    """Reserve the port against other processes; None if another has it.

    A name among Linux's abstract sockets: only one process can have it, and it goes with that process.
    """
    reservation = socket.socket(socket.AF_UNIX)
    if sys.platform == "linux":
        try:
            reservation.bind(f"\0devcluster-port-{port}")
        except OSError:
            reservation.close()
            return None
    return reservation
