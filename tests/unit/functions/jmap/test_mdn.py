"""That a message was displayed is told: once, and only to who asked for it (RFC 9007)."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest

from holdfast import mime
from holdfast.functions.jmap import mdn_text, outbox
from holdfast.functions.jmap.ids import EMAIL, MESSAGE_BLOB, id_of
from holdfast.wire.jmap.mdn import Disposition, Notification
from unit.functions.jmap.rig import ADA, BEN, Rig, message, rig, run

SEEN = Disposition(action_mode="manual-action", sending_mode="mdn-sent-manually", type="displayed")
ASKED = {"Disposition_Notification_To": f"Ben <{BEN}>"}
DISPOSITION = {"actionMode": "manual-action", "sendingMode": "mdn-sent-manually", "type": "displayed"}


def test_what_is_written_is_read_as_the_same() -> None:
    told = Notification(
        subject="Gelesen: Grüße aus einem sehr, sehr langen Betreff über mehrere Zeilen",
        text_body="It was displayed.\nThat is all.\n",
        include_original_message=True,
        reporting_ua="joes-pc.cs.example.com; Foomail 97.1",
        disposition=SEEN,
        original_recipient="rfc822; tungsten@example.org",
        final_recipient="rfc822; tungsten@example.org",
        original_message_id="<1521443867.0.0@example.org>",
        error=["one", "two"],
        extension_fields={"X-Extension": "value"},
    )
    letter = mdn_text.Letter(
        author=f"<{ADA}>",
        to=f"<{BEN}>",
        date="Mon, 7 Feb 1994 21:52:25 -0800",
        message_id="<x@example.org>",
        boundary="b",
        original=b"Subject: \xc3\xb6\r\n\r\nx\r\n",
    )
    written = mdn_text.write(told, letter)
    root = mime.parse(written)
    assert (root.type, root.subtype, len(root.children)) == ("multipart", "report", 3)
    assert not root.defects
    assert mdn_text.read(written) == told


def test_nothing_a_client_says_breaks_a_field() -> None:
    told = Notification(
        disposition=SEEN, final_recipient="a\r\nBcc: b@c.example", subject="x\r\nBcc: b@c.example"
    )
    letter = mdn_text.Letter(f"<{ADA}>", f"<{BEN}>\r\nBcc: x@y", "date", "<x@example.org>", "b")
    assert b"\nBcc:" not in mdn_text.write(told, letter)


@pytest.mark.parametrize("text", [b"", b"Subject: x\r\n\r\ny", message(1)])
def test_what_is_no_notification_is_read_as_none(text: bytes) -> None:
    assert mdn_text.read(text) is None


async def told(r: Rig, email: str, **also: Any) -> Any:
    identity = (await r.call("Identity/get"))["list"][0]["id"]
    what = {"forEmailId": email, "disposition": DISPOSITION, "textBody": "It was displayed.", **also}
    return await r.call("MDN/send", {"identityId": identity, "send": {"k": what}})


@pytest.mark.slow
def test_a_notification_goes_to_who_asked_for_it_and_to_nobody_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            sending = asyncio.ensure_future(outbox.run(r.parts))
            email = id_of(EMAIL, (await r.append(message(1, **ASKED))).message)
            silent = id_of(EMAIL, (await r.append(message(2))).message)
            result = await told(r, email, includeOriginalMessage=True)
            assert result["sent"]["k"]["finalRecipient"] == f"rfc822; {ADA}"
            assert result["sent"]["k"]["originalMessageId"] == "<1@example.net>"
            while not r.box("INBOX", BEN).exists:
                await r.world.clock.sleep(0.02)
            account = r.account(BEN)
            handle = r.store.account(account.id, account.cell)
            (first,) = next(handle.listing(r.box("INBOX", BEN).id))
            blob = id_of(MESSAGE_BLOB, first.message)
            parsed = await r.call("MDN/parse", {"blobIds": [blob, "Bzz"]}, login=BEN)
            assert parsed["notFound"] == ["Bzz"]
            assert parsed["parsed"][blob]["disposition"] == DISPOSITION
            assert parsed["parsed"][blob]["originalMessageId"] == "<1@example.net>"
            (data,) = handle.messages([handle.emails([first.message])[first.message].ref])
            assert bytes(data or b"").startswith(b"Return-Path: <>\r\n")
            refused = await told(r, silent)
            assert refused["notSent"]["k"]["properties"] == ["forEmailId"]
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending

    run(main())


@pytest.mark.slow
def test_who_was_told_already_isn_t_told_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as r:
            appended = await r.append(message(1, **ASKED), keywords=("$MDNSent",))
            refused = await told(r, id_of(EMAIL, appended.message))
            assert refused["notSent"]["k"]["type"] == "mdnAlreadySent"

    run(main())
