"""Ports for tests: several runs at once don't take each other's."""

from __future__ import annotations

import subprocess
import sys

import free_ports

# Below all others' range: nobody else asks there.
_OTHER = "import free_ports as f; f.LOWEST, f.HIGHEST = 11_900, 11_930; print(*f.free_ports(5))"


def test_a_port_that_was_given_is_nobody_else_s_though_nothing_listens_there_yet(monkeypatch):
    monkeypatch.setattr(free_ports, "LOWEST", 11_900)
    monkeypatch.setattr(free_ports, "HIGHEST", 11_930)
    monkeypatch.setattr(free_ports, "_given", set())
    ours = free_ports.free_ports(5)
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    other = subprocess.run([sys.executable, "-c", _OTHER], env=environment, capture_output=True, timeout=20)
    assert len({*ours, *map(int, other.stdout.split())}) == 10
