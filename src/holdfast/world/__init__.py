"""The only door to the outside: clock, disk, net, entropy, journal, threads, connections."""

from holdfast.world.connection import Connection, Peer
from holdfast.world.disk import Disk, File, Lock
from holdfast.world.journal import Entry, Journal
from holdfast.world.net import Listener, Net
from holdfast.world.session import Session
from holdfast.world.threads import Thread
from holdfast.world.world import World, real_world, run

__all__ = [
    "Connection",
    "Disk",
    "Entry",
    "File",
    "Journal",
    "Listener",
    "Lock",
    "Net",
    "Peer",
    "Session",
    "Thread",
    "World",
    "real_world",
    "run",
]
