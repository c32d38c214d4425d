"""What the index's ENVELOPE says of an Email is what the message says."""

import pytest

from corpus.make import messages
from holdfast.mime.bodystructure import bodystructure
from holdfast.mime.envelope import envelope
from holdfast.mime.structure import parse
from holdfast.wire.jmap.bodies import bodies, numbered
from holdfast.wire.jmap.email import EmailReader
from holdfast.wire.jmap.indexed import ENVELOPE_PROPERTIES, envelope_properties, has_attachment
from holdfast.wire.jmap.methods import BodyWishes


@pytest.mark.slow
def test_envelope_and_message_say_the_same():
    """But for empty fields, and those that stand twice, of which ENVELOPE takes all addresses."""
    reader = EmailReader(sorted(ENVELOPE_PROPERTIES), BodyWishes())
    compared = 0
    for name, message in messages():
        root = parse(message)
        read = reader.read(root, {"id": "E"}, lambda part: part.number)
        names = [field.name.decode() for field in root.fields()]
        made = envelope_properties(envelope(root))
        assert made.keys() == ENVELOPE_PROPERTIES
        for each, value in made.items():
            if names.count(each) < 2:
                assert (value or None) == (read[each] or None), (name, each)
                compared += value is not None
    assert compared > 1000


def test_what_is_no_envelope_says_nothing():
    assert envelope_properties(b"") == envelope_properties(b"(NIL)") == {}


@pytest.mark.slow
def test_an_attachment_is_told_by_the_index_as_by_the_message():
    told = {}
    for name, message in messages():
        root = parse(message)
        whole = bodies(numbered(root)).has_attachment
        if has_attachment(bodystructure(root)) != whole:
            told[name] = whole
    assert not told
