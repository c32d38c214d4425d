"""Doors: which must open, and which may stay shut."""

import socket

import pytest

from free_ports import free_ports
from holdfast.model.errors import Refused
from holdfast.run import config as settings
from holdfast.run import ports

HOST = "127.0.0.1"
ALL_OFF = {door: [] for doors in ports.DOORS.values() for door in doors}


@pytest.fixture
def taken(monkeypatch):
    """A port that another program listens on."""
    monkeypatch.setattr(ports, "WEB_PATIENCE_S", 0.05)
    with socket.socket() as other:
        [port] = free_ports(1)
        other.bind((HOST, port))
        other.listen()
        yield f"{HOST}:{port}"


def opened(**listen):
    """(doors, what was said of those that stay shut)."""
    config = settings.Config(listen=settings.Listen(**{**ALL_OFF, **listen}))
    shut = []
    found = ports.bind_all(config, lambda text: None, shut.append)
    names = {door: ports.addresses(found)[door] for door in listen}
    for listeners in found.values():
        for each in listeners:
            each.close()
    return names, shut


def test_run_8_a_web_door_whose_port_is_taken_keeps_no_other_door_shut(taken):
    mail, web = (f"{HOST}:{port}" for port in free_ports(2))
    names, shut = opened(mx=[mail], setup_http=[taken], admin_https=[web])
    assert names == {"mx": [mail], "setup_http": [], "admin_https": [web]}
    [text] = shut
    assert text.startswith(f"listen.setup_http: {taken}:") and "names it" in text


def test_a_mail_door_whose_port_is_taken_is_refused_by_name(taken, monkeypatch):
    monkeypatch.setattr(ports, "PATIENCE_S", 0.1)
    with pytest.raises(Refused, match=rf"listen\.mx: {taken}"):
        opened(mx=[taken])


def test_of_a_web_door_with_two_addresses_none_is_open_when_one_is_taken(taken):
    [free] = free_ports(1)
    names, shut = opened(account_https=[f"{HOST}:{free}", taken])
    assert names == {"account_https": []} and len(shut) == 1
    with socket.socket() as probe:
        probe.bind((HOST, free))
