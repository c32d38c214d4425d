"""The properties of an Email that the index's ENVELOPE holds: a list is shown without opening a message.

ENVELOPE says less than the header: an empty field is none, of a field that stands twice all addresses count,
and Sender and Reply-To aren't told from From where they are missing, so they aren't among these.
"""

from __future__ import annotations

from typing import Final

from holdfast.mime.addresses import Mailbox
from holdfast.mime.envelope_fields import BCC, CC, FROM, IN_REPLY_TO, MESSAGE_ID, SUBJECT, TO, fields
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.headers import as_date, as_message_ids, as_text, listed

_ADDRESSES: Final = {"from": FROM, "to": TO, "cc": CC, "bcc": BCC}
_IDS: Final = {"messageId": MESSAGE_ID, "inReplyTo": IN_REPLY_TO}
ENVELOPE_PROPERTIES: Final = frozenset({*_ADDRESSES, *_IDS, "subject", "sentAt"})


def envelope_properties(envelope: bytes) -> Json:
    """All of ENVELOPE_PROPERTIES, of an ENVELOPE as ``mime`` writes it; {} where it isn't one."""
    found = fields(envelope)
    if not found:
        return {}
    made: Json = {
        name: None if found[place] is None else listed(Mailbox(*each) for each in found[place])
        for name, place in _ADDRESSES.items()
    }
    for name, place in _IDS.items():
        made[name] = None if found[place] is None else as_message_ids(found[place])
    made["subject"] = None if found[SUBJECT] is None else as_text(found[SUBJECT])
    made["sentAt"] = None if found[0] is None else as_date(found[0])
    return made
