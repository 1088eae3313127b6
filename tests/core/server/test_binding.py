"""Addresses that are taken, and sockets that do not listen yet."""

from __future__ import annotations

import socket

import pytest

from gatewright.errors import StartError
from gatewright.server.binding import UNREAD_SECONDS, bind


def test_a_bound_socket_does_not_listen():
    bound = bind("server.bind", "127.0.0.1:0")
    host, port = bound.address.split(":")
    with bound.sock, pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def test_of_two_that_start_at_once_the_later_is_told():
    bound = bind("server.bind", "127.0.0.1:0")
    quicker = bind("server.bind", bound.address)
    with bound.sock, quicker.sock:
        quicker.listen(1)
        with pytest.raises(StartError) as error:
            bound.listen(1)
    assert str(error.value) == f"server.bind: cannot bind {bound.address}: address already in use"


def test_the_kernel_drops_clients_that_take_nothing():
    bound = bind("server.bind", "127.0.0.1:0")
    with bound.sock:
        bound.listen(1)
        host, port = bound.address.split(":")
        with socket.create_connection((host, int(port))):
            accepted, _ = bound.sock.accept()
            with accepted:
                unread = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert unread == UNREAD_SECONDS * 1000


def test_a_unix_socket_keeps_its_name(tmp_path):
    bound = bind("server.bind", f"unix:{tmp_path}/gw.sock")
    with bound.sock:
        assert bound.address == f"unix:{tmp_path}/gw.sock"
