"""A mailbox as people have one, for pictures of the webmail: letters, conversations, folders, contacts."""

from __future__ import annotations

import base64
import json
import struct
import urllib.request
import zlib
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from imaplib import Time2Internaldate
from typing import Any

from e2e.service import DOMAIN, Service, password

HOUR = 3600
FOLDERS = ("Invoices", "Travel", "Travel/Lisbon", "Choir")
HTML = """<html><body style="font-family: sans-serif">
<h1 style="color: #7a3b00">The summer programme is here</h1>
<p>Dear {name},</p>
<p>three concerts, one rehearsal weekend and a picnic:
<b>please tell us by Friday</b> which of them suit you.</p>
<table border="1" cellpadding="6" style="border-collapse: collapse">
<tr><th align="left">When</th><th align="left">What</th></tr>
<tr><td>12 June</td><td>Concert in the old brewery</td></tr>
<tr><td>26 June</td><td>Rehearsal weekend by the lake</td></tr>
</table>
<p><img src="cid:bar" alt="A line" width="480" height="6"></p>
<p>All dates are on <a href="https://choir.example/summer">our page</a>.</p>
<p><img src="https://tracker.example/open.gif" width="1" height="1" alt=""></p>
<blockquote type="cite"><p>When will the programme be out? I have to ask for days off.</p>
<p>Yours, {name}</p></blockquote>
</body></html>"""
FILLING = (
    (
        "Nora Winther",
        "Your order is on its way",
        "Parcel 4711 leaves our house today and should be with you on Tuesday.",
    ),
    (
        "City library",
        "Two books are due",
        "Please bring back or renew what you have borrowed until Saturday.",
    ),
    (
        "Jörg Österreicher",
        "Fotos vom Wochenende",
        "Die schönsten habe ich ausgesucht; der Rest liegt im Album.",
    ),
    (
        "Maria del Carmen Rodríguez",
        "Apartment in Lisbon",
        "The flat is free from the 3rd to the 17th, with a balcony.",
    ),
    (
        "Power & Water Ltd.",
        "Your bill for October",
        "The amount is debited on the 5th. Nothing has to be done.",
    ),
    ("Lena", "Tonight?", "Cinema at eight, or rather the concert?"),
    (
        "Weekly gardener",
        "Five plants that like the shade",
        "Ferns, hostas and three that you wouldn’t have thought of.",
    ),
    ("Dr. Feld", "Appointment on Monday", "We look forward to seeing you at 9:40. Please bring your card."),
    ("Tom Baker", "Minutes of the meeting", "Thanks to all who came. The next one is in two weeks."),
    ("Railways", "Your ticket to Hamburg", "Coach 7, seat 42. Have a good journey."),
)


def picture(width: int = 320, height: int = 160) -> bytes:
    """A PNG: rooms of a house, in two colours."""

    def pixel(x: int, y: int) -> bytes:
        wall = x % (width - 4) < 4 or y % (height - 4) < 4 or ((x - width // 3) % 160 < 3 and y % 70 > 25)
        return b"\x33\x4e\x68" if wall else b"\xf4\xf1\xe8"

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(width)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def letter(
    name: str, subject: str, text: str, age_s: float, *, answers: str = "", sender: str = ""
) -> EmailMessage:
    made = EmailMessage()
    made["From"] = f'"{sender or "Nora Winther"}" <{_local(sender or "Nora Winther")}@elsewhere.example>'
    made["To"] = f'"{name.title()}" <{name}@{DOMAIN}>'
    made["Subject"] = subject
    made["Date"] = format_datetime(datetime.now(UTC) - timedelta(seconds=age_s))
    made["Message-ID"] = make_msgid(domain="elsewhere.example")
    if answers:
        made["In-Reply-To"] = made["References"] = answers
    made.set_content(text)
    return made


def _local(sender: str) -> str:
    return "".join(
        each
        for each in sender.casefold().replace(" ", ".")
        if each.isascii() and (each.isalnum() or each == ".")
    )


def programme(name: str) -> EmailMessage:
    """HTML with a picture of its own, one from elsewhere, a table, a link, and what it answers to."""
    made = letter(
        name, "Summer programme", "The summer programme is here.", HOUR, sender="Choir of the North"
    )
    made.add_alternative(HTML.format(name=name.title()), subtype="html")
    made.get_payload()[1].add_related(picture(480, 6), "image", "png", cid="<bar>")  # type: ignore[union-attr,index]
    return made


def offer(name: str) -> EmailMessage:
    made = letter(
        name,
        "The offer and the plans",
        "Both are attached.\n\nKind regards\nTom\n",
        2 * HOUR,
        sender="Tom Baker",
    )
    made.add_attachment(b"%PDF-1.4\n" + b"x" * 48_000, "application", "pdf", filename="Offer 2026.pdf")
    made.add_attachment(picture(), "image", "png", filename="Ground floor.png")
    made.add_attachment("a;b\r\n1;2\r\n", subtype="csv", filename="Quantities.csv")
    return made


def conversation(name: str) -> list[EmailMessage]:
    first = letter(
        name, "Who brings what?", "I bring a salad. What about you?\n", 30 * HOUR, sender="Lena Sommer"
    )
    key = first["Message-ID"]
    texts = (
        ("Jörg Österreicher", "Bread and cheese from me.\n\n> I bring a salad. What about you?\n"),
        ("Nora Winther", "Then I take care of the drinks.\n"),
        ("Lena Sommer", "Perfect. Noon, at the boathouse: https://boathouse.example/way\n"),
    )
    answers = [
        letter(name, "Re: Who brings what?", text, (20 - 6 * at) * HOUR, answers=key, sender=sender)
        for at, (sender, text) in enumerate(texts)
    ]
    return [first, *answers]


def fill(service: Service, name: str) -> None:
    """The mailbox, over IMAP as any program would."""
    client = service.imap(name)

    def put(box: str, made: EmailMessage, flags: str = "") -> None:
        when = Time2Internaldate(datetime.strptime(made["Date"], "%a, %d %b %Y %H:%M:%S %z").timestamp())
        kind, said = client.append(
            box, flags, when, made.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        )
        assert kind == "OK", said

    for folder in FOLDERS:
        assert client.create(folder)[0] == "OK"
    for at in range(3 * len(FILLING)):
        sender, subject, text = FILLING[at % len(FILLING)]
        ending = f" ({at // len(FILLING) + 1})" if at >= len(FILLING) else ""
        flags = " ".join(each for each in ("\\Seen" * (at % 3 > 0), "\\Flagged" * (at % 7 == 3)) if each)
        put("INBOX", letter(name, subject + ending, text, (32 + 7 * at) * HOUR, sender=sender), flags)
    for folder, (sender, subject, text) in zip(FOLDERS, FILLING):
        put(folder, letter(name, subject, text, 200 * HOUR, sender=sender))
    put("Sent", letter(name, "Thank you", "It was a lovely evening.", 50 * HOUR, sender=name), "\\Seen")
    for at, made in enumerate(conversation(name)):
        put("INBOX", made, "\\Seen" if at < 2 else "")
    put("INBOX", offer(name), "\\Seen")
    put("INBOX", programme(name), "\\Flagged")
    client.select("INBOX")
    newest = client.response("EXISTS")[1][-1]
    client.copy(newest, "Choir")
    client.logout()


def know(service: Service, name: str) -> None:
    """Contacts, over JMAP as any program would."""
    people: dict[str, dict[str, Any]] = {
        "lena": {
            "name": {
                "components": [{"kind": "given", "value": "Lena"}, {"kind": "surname", "value": "Sommer"}],
                "full": "Lena Sommer",
            },
            "emails": {"e": {"address": "lena.sommer@elsewhere.example", "contexts": {"private": True}}},
            "phones": {"p": {"number": "+49 30 1234567"}},
            "addresses": {"a": {"full": "Lake Road 3\n10999 Berlin", "contexts": {"private": True}}},
            "anniversaries": {
                "b": {"kind": "birth", "date": {"@type": "PartialDate", "year": 1985, "month": 4, "day": 12}}
            },
            "notes": {"n": {"note": "Sings alto."}},
        },
        "tom": {
            "name": {"full": "Tom Baker"},
            "organizations": {"o": {"name": "Baker & Sons"}},
            "titles": {"t": {"name": "Architect"}},
            "emails": {"e": {"address": "tom.baker@elsewhere.example", "contexts": {"work": True}}},
        },
        "choir": {
            "kind": "org",
            "name": {"full": "Choir of the North"},
            "emails": {"e": {"address": "choir.of.the.north@elsewhere.example"}},
        },
    }
    asked = Asked(service, name)
    book = asked("AddressBook/get", {"ids": None})["list"][0]["id"]
    cards = {
        key: {"@type": "Card", "version": "1.0", "addressBookIds": {book: True}} | each
        for key, each in people.items()
    }
    done = asked("ContactCard/set", {"create": cards})
    assert not done.get("notCreated"), done


class Asked:
    """One JMAP method at a time, signed in by name and password."""

    def __init__(self, service: Service, name: str) -> None:
        self._url = service.url("jmap")
        key = base64.b64encode(f"{name}@{DOMAIN}:{password(name)}".encode()).decode()
        self._head = {"Authorization": f"Basic {key}", "Content-Type": "application/json"}
        session = self._ask("/.well-known/jmap", None)
        self._using = list(session["capabilities"])
        self._account = next(iter(session["accounts"]))

    def __call__(self, method: str, given: dict[str, Any]) -> dict[str, Any]:
        calls = [[method, {"accountId": self._account} | given, "0"]]
        answer = self._ask("/jmap/api", json.dumps({"using": self._using, "methodCalls": calls}).encode())
        (kind, found, _), *_ = answer["methodResponses"]
        assert kind == method, found
        return dict(found)

    def _ask(self, path: str, body: bytes | None) -> dict[str, Any]:
        asked = urllib.request.Request(self._url + path, data=body, headers=self._head)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return dict(json.load(answer))
