"""Names for masked addresses: two plain words and a number, easy to say on the phone."""

from __future__ import annotations

from holdfast.world.entropy import Entropy

_LIST = """
acorn agate alder amber anchor anvil apple apron arbor arch arrow aspen aster atlas autumn axle
badge bagel bamboo banjo barge bark barley basalt basil basin basket bay beach beacon bead beam bell
bench berry birch bison blanket bloom board boat bonnet book booth bottle boulder branch brass bread
breeze brick bridge brook broom bucket button cabin cable cactus camel candle canoe canvas cape
carbon card cargo carpet cart castle cedar cello chair chalk cherry chest chime cider cinder circle
clay cliff cloak clock cloud clover coast cobalt comet compass copper coral cork cotton cove crane
crater cream creek crest crocus crown crystal cymbal daisy dawn delta desk dew dial dock dome dove
drift drum dune dusk eagle easel echo elbow elm ember engine estuary falcon feather fern ferry
fiddle field finch fjord flag flame flask flint flute foam forest fountain fox frame frost galaxy
garden garnet gate geyser ginger glacier glade globe glove granite grape grove gull hammer harbor
harp hazel heath hedge helmet heron hill honey horizon ivory ivy jade jasmine jetty juniper kayak
kettle kite ladder lagoon lake lamp lantern larch lark lava leaf ledge lemon lens lilac linen lotus
lute magnet maple marble marsh meadow mellow meteor mill mint mirror mist moss nectar needle nest
nickel oak oasis oat ocean olive onyx opal orbit orchid otter paddle palm paper pasture pebble big
"""
WORDS = tuple(_LIST.split())


def draw_name(entropy: Entropy) -> str:
    """``lantern.otter.482``: some 45 million of them."""
    drawn = int.from_bytes(entropy.bytes(8), "big")  # so many bits that no word comes noticeably more often
    drawn, first = divmod(drawn, len(WORDS))
    drawn, second = divmod(drawn, len(WORDS))
    return f"{WORDS[first]}.{WORDS[second]}.{100 + drawn % 900}"
