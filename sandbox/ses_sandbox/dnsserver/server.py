"""The DNS server: one thread for UDP, one that accepts TCP, one for each TCP connection."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import struct
from threading import Thread

from ses_sandbox.dnsserver.responder import Responder
from ses_sandbox.dnsserver.sources import NameServerHosts, StaticZones, ZoneSource
from ses_sandbox.faults import Faults

MAX_DATAGRAM = 65535
TCP_IDLE_SECONDS = 10
RECEIVE_BUFFER = 1 << 20


class DnsServer:
    """Authoritative, over UDP and TCP at one port, for the zones of a source and for zones set as text.

    ``port`` 0 takes a free one. Raises OSError from start() if the port is taken.
    """

    def __init__(self, zones: ZoneSource, faults: Faults, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host = host
        self._port = port
        self._static = StaticZones()
        self._responder = Responder((self._static, zones, NameServerHosts(host)), faults)
        self._udp: socket.socket | None = None
        self._tcp: _TcpServer | None = None
        self._threads: tuple[Thread, ...] = ()

    def set_zone(self, origin: str, zonefile: str) -> None:
        """Serve a zone from BIND's text format, in place of Route 53's of that name.

        Raises dns.exception.DNSException for text that is not a zone.
        """
        self._static.set_zone(origin, zonefile)

    def delete_zone(self, origin: str) -> bool:
        """Stop serving the zone that was set; return True if there was one."""
        return self._static.delete_zone(origin)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, once started."""
        return self._host, self._port

    def start(self) -> None:
        """Bind both sockets and serve in the background until stop()."""
        self._udp, self._tcp = _bind(self._host, self._port, self._responder)
        self._port = self._udp.getsockname()[1]
        self._threads = (
            Thread(target=self._serve_udp, args=(self._udp,), name="dns-udp", daemon=True),
            Thread(target=self._tcp.serve, name="dns-tcp", daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close the sockets and wait for the threads. Not started, or stopped already: no error."""
        if self._udp is None or self._tcp is None:
            return
        with contextlib.suppress(OSError):
            self._udp.shutdown(socket.SHUT_RDWR)
        self._udp.close()
        self._tcp.end()
        for thread in self._threads:
            thread.join()
        self._tcp.server_close()
        self._udp = self._tcp = None

    def _serve_udp(self, udp: socket.socket) -> None:
        while True:
            try:
                wire, peer = udp.recvfrom(MAX_DATAGRAM)
            except OSError:
                return
            if not peer:  # what a socket that was shut down returns
                return
            response = self._responder.respond_udp(wire)
            if response is not None:
                with contextlib.suppress(OSError):
                    udp.sendto(response, peer)


class _TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], responder: Responder) -> None:
        self.responder = responder
        self._address = address
        self._ended = False
        super().__init__(address, _TcpHandler)

    def serve(self) -> None:
        """Serve until ``end``. Unlike serve_forever it does not check again and again if that was called."""
        while not self._ended:
            self.handle_request()

    def end(self) -> None:
        """Make ``serve`` return, by a connection of our own that wakes it."""
        self._ended = True
        with contextlib.suppress(OSError):
            socket.create_connection(self._address, timeout=1).close()


class _TcpHandler(socketserver.StreamRequestHandler):
    timeout = TCP_IDLE_SECONDS
    server: _TcpServer

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while (length := self.rfile.read(2)) and len(length) == 2:
                response = self.server.responder.respond_tcp(self.rfile.read(struct.unpack("!H", length)[0]))
                if response is None:
                    return
                self.wfile.write(struct.pack("!H", len(response)) + response)


def _bind(host: str, port: int, responder: Responder) -> tuple[socket.socket, _TcpServer]:
    """Bind both sockets at the same port. A free port of UDP need not be free for TCP: then another is taken."""
    attempts = 1 if port else 20
    for attempt in range(attempts):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind((host, port))
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            return udp, _TcpServer((host, udp.getsockname()[1]), responder)
        except OSError:
            udp.close()
            if attempt + 1 == attempts:
                raise
    raise RuntimeError("unreachable")
