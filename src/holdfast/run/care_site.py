"""The pages of the role care: where customers report what doesn't work, and operators' console.

They are there with every other process dead: no directory, no mail, no sign-in of customers is needed.
"""

from __future__ import annotations

from holdfast.model.errors import Unavailable
from holdfast.pages import Site
from holdfast.run import keys, web
from holdfast.run.child import Start


def make(start: Start) -> Site:
    """``web.serve(start, make(start).app)`` serves it."""
    return web.site(start, [], key=_key(start))


def _key(start: Start) -> bytes:
    """The pages' own, else one for as long as this process lives: a form then outlives no restart."""
    try:
        return keys.key_of(start.config, keys.PAGES)
    except Unavailable:
        return start.world.entropy.bytes(keys.KEY_BYTES)
