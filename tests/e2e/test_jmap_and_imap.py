"""Mail is the same seen over IMAP and over JMAP, whoever did what by which: JMAPD-18, JMAPD-17, JMAPD-20."""

from __future__ import annotations

import base64
import calendar
import http.client
import imaplib
import json
import random
import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from e2e.service import DOMAIN, HOST, Service, password

pytestmark = pytest.mark.slow

OPERATIONS = 10_000  # each of one message or one mailbox
MOST = 350  # messages that lie there at a time
USING = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"]
FLAGS = {
    "\\Seen": "$seen",
    "\\Answered": "$answered",
    "\\Flagged": "$flagged",
    "\\Draft": "$draft",
    "Blue": "blue",
}
FETCHED = re.compile(
    rb'UID (\d+) FLAGS \(([^)]*)\) RFC822.SIZE (\d+) INTERNALDATE "([^"]*)" .*"<(\d+)@x>"', re.S
)
LISTED = re.compile(rb'\(([^)]*)\) "/" (?:"([^"]*)"|(\S+))')


def message(number: int) -> bytes:
    about = number - number % 3
    answers = f"References: <{about}@x>\r\n" if number % 3 else ""
    return (
        f"From: a@example.net\r\nTo: anna@{DOMAIN}\r\nSubject: about {about}\r\n{answers}"
        f"Message-ID: <{number}@x>\r\n\r\n{'text ' * (number % 50)}\r\n"
    ).encode()


class Seen(NamedTuple):
    """One message, by the number in its Message-ID."""

    mailboxes: frozenset[str]
    keywords: frozenset[str]
    size: int
    received: int


class Jmap:
    def __init__(self, service: Service) -> None:
        self._web = http.client.HTTPConnection(HOST, service.ports["jmap_http"], timeout=60)
        token = base64.b64encode(f"anna@{DOMAIN}:{password('anna')}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
        session = self._ask("GET", "/.well-known/jmap", None)
        self.account = session["primaryAccounts"][USING[1]]

    def _ask(self, method: str, path: str, body: bytes | None, kind: str = "application/json") -> Any:
        self._web.request(method, path, body, {**self._headers, "Content-Type": kind})
        answer = self._web.getresponse()
        read = answer.read()
        assert answer.status in (200, 201), (answer.status, read)
        return json.loads(read)

    def upload(self, data: bytes) -> str:
        return self._ask("POST", f"/jmap/upload/{self.account}/", data, "message/rfc822")["blobId"]

    def calls(self, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
        whole = [
            (name, {"accountId": self.account, **given}, str(n)) for n, (name, given) in enumerate(calls)
        ]
        answer = self._ask("POST", "/jmap/api", json.dumps({"using": USING, "methodCalls": whole}).encode())
        return [result for _, result, _ in answer["methodResponses"]]

    def call(self, name: str, **given: Any) -> Any:
        (result,) = self.calls((name, given))
        assert "type" not in result or result["type"] not in ("serverFail", "serverUnavailable"), result
        return result

    def paths(self) -> dict[str, str]:
        """By a mailbox's whole name its id."""
        boxes = {each["id"]: each for each in self.call("Mailbox/get")["list"]}

        def path(box: dict[str, Any]) -> str:
            return f"{path(boxes[box['parentId']])}/{box['name']}" if box["parentId"] else box["name"]

        return {path(each): id for id, each in boxes.items()}

    def emails(self) -> list[dict[str, Any]]:
        """All of them, a thousand at a time."""
        ids: list[str] = []
        while True:
            part = self.call("Email/query", position=len(ids))["ids"]
            ids += part
            if len(part) < 1000:
                break
        shown = ["mailboxIds", "keywords", "size", "receivedAt", "messageId"]
        found: list[dict[str, Any]] = []
        for at in range(0, len(ids), 1000):
            found += self.call("Email/get", ids=ids[at : at + 1000], properties=shown)["list"]
        assert len({each["id"] for each in found}) == len(ids)
        return found


class Imap:
    def __init__(self, service: Service) -> None:
        self.m = imaplib.IMAP4(HOST, service.ports["imap"])
        self.m.login(f"anna@{DOMAIN}", password("anna"))

    def names(self) -> list[str]:
        found = []
        for line in self.m.list()[1]:
            assert isinstance(line, bytes)
            match = LISTED.match(line)
            assert match is not None, line
            if b"noselect" not in match[1].lower() and b"nonexistent" not in match[1].lower():
                found.append((match[2] or match[3]).decode())
        return found

    def select(self, name: str) -> list[bytes]:
        """Its UIDs."""
        said, _ = self.m.select(f'"{name}"')
        assert said == "OK", name
        return self.m.uid("SEARCH", "ALL")[1][0].split()

    def rows(self, name: str) -> list[tuple[int, frozenset[str], int, int]]:
        """Of each entry: number, flags, size, date."""
        self.m.select(f'"{name}"', readonly=True)
        said = self.m.uid("FETCH", "1:*", "(UID FLAGS RFC822.SIZE INTERNALDATE ENVELOPE)")[1]
        found = []
        for line in said:
            if line is None:
                continue
            match = FETCHED.search(line if isinstance(line, bytes) else b"".join(line))
            assert match is not None, line
            when = imaplib.Internaldate2tuple(b'INTERNALDATE "' + match[4] + b'"')
            assert when is not None
            flags = frozenset(match[2].decode().split()) - {"\\Recent"}
            found.append((int(match[5]), flags, int(match[3]), int(time.mktime(when))))
        return found


def by_imap(imap: Imap) -> tuple[dict[int, Seen], dict[str, tuple[int, int]]]:
    """Each message as JMAP is to show it, and of each mailbox how many there are and how many are unread."""
    entries: dict[int, list[tuple[str, frozenset[str], int, int]]] = {}
    names = imap.names()
    for name in names:
        for number, flags, size, received in imap.rows(name):
            entries.setdefault(number, []).append((name, flags, size, received))
    seen: dict[int, Seen] = {}
    for number, of in entries.items():
        union = frozenset().union(*(flags for _, flags, _, _ in of)) - {"\\Deleted"}
        if not all("\\Seen" in flags for _, flags, _, _ in of):
            union -= {"\\Seen"}
        keywords = frozenset(FLAGS.get(each, each.lower()) for each in union)
        seen[number] = Seen(frozenset(name for name, *_ in of), keywords, of[0][2], of[0][3])
    counts = {}
    for name in names:
        inside = [each for each in seen.values() if name in each.mailboxes]
        counts[name] = (len(inside), sum(not each.keywords & {"$seen", "$draft"} for each in inside))
    return seen, counts


def by_jmap(jmap: Jmap) -> tuple[dict[int, Seen], dict[str, tuple[int, int]]]:
    paths = {id: path for path, id in jmap.paths().items()}
    seen = {
        int(each["messageId"][0].partition("@")[0]): Seen(
            frozenset(paths[id] for id in each["mailboxIds"]),
            frozenset(each["keywords"]),
            each["size"],
            calendar.timegm(time.strptime(each["receivedAt"], "%Y-%m-%dT%H:%M:%SZ")),
        )
        for each in jmap.emails()
    }
    boxes = jmap.call("Mailbox/get", properties=["totalEmails", "unreadEmails"])["list"]
    return seen, {paths[each["id"]]: (each["totalEmails"], each["unreadEmails"]) for each in boxes}


class Follower:
    """A client that reads everything once and then follows changes alone."""

    def __init__(self, jmap: Jmap, chance: random.Random) -> None:
        self.jmap = jmap
        self.random = chance
        self.objects: dict[str, dict[str, Any]] = {"Email": {}, "Mailbox": {}}
        self.states = {}
        for kind in self.objects:
            answer = jmap.call(f"{kind}/get", ids=None)
            self.states[kind] = answer["state"]
            self.objects[kind] = {each["id"]: self._part(kind, each) for each in answer["list"]}
        inbox = jmap.paths()["INBOX"]
        self.asked: list[dict[str, Any]] = [
            {"filter": {"inMailbox": inbox}, "collapseThreads": True},
            {"filter": {"inMailbox": inbox, "notKeyword": "$seen"}},
        ]
        self.lists = [jmap.call("Email/query", **each) for each in self.asked]

    @staticmethod
    def _part(kind: str, each: dict[str, Any]) -> Any:
        shown = (
            ("mailboxIds", "keywords")
            if kind == "Email"
            else ("name", "parentId", "totalEmails", "unreadEmails")
        )
        return {name: each[name] for name in shown}

    def follow(self) -> None:
        for kind, objects in self.objects.items():
            more = True
            while more:
                most = self.random.randint(5, 400)
                told = self.jmap.call(f"{kind}/changes", sinceState=self.states[kind], maxChanges=most)
                ids = told["created"] + told["updated"]
                assert len(ids) + len(told["destroyed"]) <= most
                for each in self.jmap.call(f"{kind}/get", ids=ids)["list"]:
                    objects[each["id"]] = self._part(kind, each)
                for id in told["destroyed"]:
                    objects.pop(id, None)
                self.states[kind], more = told["newState"], told["hasMoreChanges"]
        for asked, known in zip(self.asked, self.lists):
            told = self.jmap.call("Email/queryChanges", **asked, sinceQueryState=known["queryState"])
            gone = set(told["removed"])
            known["ids"] = [each for each in known["ids"] if each not in gone]
            for item in told["added"]:
                known["ids"].insert(item["index"], item["id"])
            known["queryState"] = told["newQueryState"]

    def check(self) -> None:
        for kind, objects in self.objects.items():
            fresh = self.jmap.call(f"{kind}/get", ids=None)["list"]
            assert objects == {each["id"]: self._part(kind, each) for each in fresh}, kind
        for asked, known in zip(self.asked, self.lists):
            assert known["ids"] == self.jmap.call("Email/query", **asked)["ids"], asked


class Mess:
    """Does anything by either way; counts what it did."""

    def __init__(self, jmap: Jmap, imap: Imap, chance: random.Random) -> None:
        self.jmap, self.imap, self.random = jmap, imap, chance
        self.done = 0
        self.number = 0
        self.there = 0

    def step(self) -> None:
        ways: list[Callable[[], int]] = [
            self.by_imap,
            self.by_jmap,
            self.by_jmap,
            self.imap_boxes,
            self.jmap_boxes,
        ]
        self.done += self.random.choices(ways, [6, 3, 3, 1, 1])[0]()

    def _some(self, ids: list[Any], most: int = 40) -> list[Any]:
        return self.random.sample(ids, min(len(ids), self.random.randint(1, most)))

    def _new(self) -> bytes:
        self.number += 1
        return message(self.number)

    def by_imap(self) -> int:
        names = self.imap.names()
        uids = self.imap.select(self.random.choice([*names, "INBOX", "INBOX", "INBOX"]))
        m, done = self.imap.m, 0
        for _ in range(5 if uids else 1):
            what = self.random.choice(["append", "flags", "flags", "copy", "move", "expunge"])
            some = b",".join(self._some(uids)) if uids else b""
            count = some.count(b",") + 1
            if what == "append" or not uids:
                date = f'"{self.random.randint(10, 28)}-Jan-2020 10:00:00 +0000"'
                m.append(f'"{self.random.choice(names)}"', "\\Flagged", date, self._new())
                count = 1
            elif what == "flags":
                sign = self.random.choice(["+", "+", "-"])
                m.uid("STORE", some.decode(), f"{sign}FLAGS.SILENT", f"({self.random.choice(list(FLAGS))})")
            elif what == "expunge":
                m.uid("STORE", some.decode(), "+FLAGS.SILENT", "(\\Deleted)")
                if self.random.random() < 0.6:
                    m.expunge()
            else:
                m.uid(what.upper(), some.decode(), f'"{self.random.choice(names)}"')
            done += count
        return done

    def by_jmap(self) -> int:
        boxes = list(self.jmap.paths().values())
        ids = self.jmap.call("Email/query")["ids"]
        what = self.random.choice(["import", "keywords", "keywords", "add", "move", "whole", "destroy"])
        if len(ids) > MOST:
            what = "destroy"
        if what == "import" or not ids:
            emails = {
                str(n): {
                    "blobId": self.jmap.upload(self._new()),
                    "mailboxIds": dict.fromkeys(self._some(boxes, 2), True),
                    "keywords": {"$seen": True} if n % 2 else {},
                    "receivedAt": f"2019-05-{self.random.randint(10, 28)}T01:02:03Z",
                }
                for n in range(self.random.randint(1, 12))
            }
            answer = self.jmap.call("Email/import", emails=emails)
            assert not answer["notCreated"], answer
            return len(emails)
        some = self._some(ids, 60)
        if what == "destroy":
            some = some[: max(1, len(some) // 3, len(ids) - MOST)]
            answer = self.jmap.call("Email/set", destroy=some)
            assert set(answer["destroyed"]) == set(some), answer["notDestroyed"]
            return len(some)
        answer = self.jmap.call("Email/set", update={each: self._patch(what, boxes) for each in some})
        assert set(answer["updated"]) == set(some), answer["notUpdated"]
        return len(some)

    def _patch(self, what: str, boxes: list[str]) -> dict[str, Any]:
        if what == "keywords":
            return {f"keywords/{self.random.choice(list(FLAGS.values()))}": self.random.choice([True, None])}
        if what == "add":
            return {f"mailboxIds/{self.random.choice(boxes)}": True}
        patch: dict[str, Any] = {"mailboxIds": dict.fromkeys(self._some(boxes, 2), True)}
        if what == "whole":
            patch["keywords"] = dict.fromkeys(self._some(list(FLAGS.values()), 3), True)
        return patch

    def imap_boxes(self) -> int:
        own = [name for name in self.imap.names() if name.startswith("Box")]
        self.imap.m.select("INBOX")
        if len(own) < 4 or self.random.random() < 0.4:
            above = f"{self.random.choice(own)}/" if own and self.random.random() < 0.5 else ""
            self.imap.m.create(f'"{above}Box{self.random.randint(0, 30)}"')
        elif self.random.random() < 0.5:
            self.imap.m.rename(f'"{self.random.choice(own)}"', f'"Box{self.random.randint(31, 60)}"')
        else:
            self.imap.m.delete(f'"{self.random.choice(own)}"')
        return 1

    def jmap_boxes(self) -> int:
        paths = self.jmap.paths()
        own = [id for path, id in paths.items() if path.startswith("Box")]
        if len(own) < 4 or self.random.random() < 0.4:
            parent = self.random.choice([None, *own])
            name = f"Box{self.random.randint(0, 30)}"
            self.jmap.call("Mailbox/set", create={"n": {"name": name, "parentId": parent}})
        elif self.random.random() < 0.5:
            patch = {
                "name": f"Box{self.random.randint(61, 90)}",
                "parentId": self.random.choice([None, *own]),
            }
            self.jmap.call("Mailbox/set", update={self.random.choice(own): patch})
        else:
            chosen = self.random.choice(own)
            self.jmap.call("Mailbox/set", destroy=[chosen], onDestroyRemoveEmails=True)
        return 1


def compare(jmap: Jmap, imap: Imap) -> None:
    one, counts = by_imap(imap)
    other, other_counts = by_jmap(jmap)
    assert one.keys() == other.keys()
    assert {each: (one[each], other[each]) for each in one if one[each] != other[each]} == {}
    assert counts == other_counts


def test_mail_is_the_same_by_imap_and_jmap(make_service: Callable[..., Service]) -> None:
    service = make_service(web=("jmap",))
    chance = random.Random(8621)
    jmap, imap = Jmap(service), Imap(service)
    mess = Mess(jmap, imap, chance)
    follower = Follower(jmap, chance)
    compared = 0
    while mess.done < OPERATIONS:
        mess.step()
        if chance.random() < 0.2:
            follower.follow()
        if mess.done // (OPERATIONS // 8) > compared:
            compared += 1
            compare(jmap, imap)
            follower.follow()
            follower.check()
    compare(jmap, imap)
    follower.follow()
    follower.check()
