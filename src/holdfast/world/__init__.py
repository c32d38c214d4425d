"""The only door to the outside: clock, disk, net, entropy, journal, threads, connections."""

from holdfast.world.disk import Disk, File, Lock
from holdfast.world.journal import Entry, Journal
from holdfast.world.threads import Thread
from holdfast.world.world import World, real_world

__all__ = ["Disk", "Entry", "File", "Journal", "Lock", "Thread", "World", "real_world"]
