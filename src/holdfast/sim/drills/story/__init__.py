"""The week of August 2012 once more, in simulated time: what would be known, told, promised and owed."""

from holdfast.sim.drills.story.telling import Told, tell

__all__ = ["Told", "tell"]
