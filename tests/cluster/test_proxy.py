"""The forwarder that cuts one client off: what happens to the bytes on its connections."""

import socket
import threading
from collections.abc import Iterator

import pytest

from devcluster.proxy import Cut, TcpProxy


@pytest.fixture
def echo_port() -> Iterator[int]:
    """A server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_echo_each, args=[server], daemon=True).start()
        yield server.getsockname()[1]


@pytest.fixture
def proxy(echo_port: int) -> Iterator[TcpProxy]:
    with TcpProxy(echo_port) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: TcpProxy) -> Iterator[socket.socket]:
    """A connection that has already carried bytes both ways."""
    with connect(proxy) as client:
        client.sendall(b"first")
        assert client.recv(100) == b"first"
        yield client


def test_a_refusing_cut_resets_open_connections(client: socket.socket, proxy: TcpProxy) -> None:
    proxy.cut(Cut.REFUSED)

    assert is_gone(client)


def test_a_refusing_cut_closes_new_connections(proxy: TcpProxy) -> None:
    proxy.cut(Cut.REFUSED)

    with connect(proxy) as late:
        assert is_gone(late)


def test_after_a_refusing_cut_new_connections_work_again(proxy: TcpProxy) -> None:
    proxy.cut(Cut.REFUSED)
    proxy.restore()

    with connect(proxy) as again:
        again.sendall(b"again")
        assert again.recv(100) == b"again"


def test_a_silent_cut_holds_bytes_back_and_restore_delivers_them(client: socket.socket, proxy: TcpProxy) -> None:
    proxy.cut(Cut.SILENT)
    client.sendall(b"held")
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.recv(100)

    proxy.restore()

    client.settimeout(90)
    assert client.recv(100) == b"held"


def test_a_silent_cut_can_turn_into_a_reset(client: socket.socket, proxy: TcpProxy) -> None:
    proxy.cut(Cut.SILENT)
    proxy.cut(Cut.REFUSED)

    assert is_gone(client)


def test_a_server_that_is_not_there_closes_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = gone.getsockname()[1]

    with TcpProxy(nobody) as proxy, connect(proxy) as client:
        assert is_gone(client)


def connect(proxy: TcpProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=90)


def is_gone(connection: socket.socket) -> bool:
    """The other side has closed the connection, in order or by a reset."""
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def _echo_each(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:  # the test is over
            return
        threading.Thread(target=_echo, args=[connection], daemon=True).start()


def _echo(connection: socket.socket) -> None:
    with connection:
        while data := connection.recv(65_536):
            connection.sendall(data)
