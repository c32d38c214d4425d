"""The API and blobs over HTTP: limits, errors, other origins, files in and out."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from pathlib import Path

import httpx2
import pytest

from holdfast.functions.jmap.asking import Ask
from holdfast.functions.jmap.ids import MESSAGE_BLOB, id_of, number_of, part_blob, read_part_blob
from holdfast.functions.jmap.methods import TABLE
from holdfast.functions.jmap.permits import Permits
from holdfast.functions.jmap.uploads import Uploads
from holdfast.model.limits import JMAP_UPLOAD_LIFE_S, JMAP_UPLOADED_FILES
from holdfast.sim.world import simulated
from holdfast.wire.jmap.core import CORE
from holdfast.wire.jmap.errors import RequestError
from unit.functions.jmap.http_rig import CORE_ECHO, WEBMAIL, http_rig
from unit.functions.jmap.rig import BEN, message, rig, run

pytestmark = pytest.mark.slow


def test_a_request_that_is_none_is_refused_as_a_whole(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            for content, kind, error in (
                (b"{", "application/json", "notJSON"),
                (b"{}", "application/json", "notRequest"),
                (b'{"using":["x"],"methodCalls":[]}', "application/json", "unknownCapability"),
                (b'{"using":[],"methodCalls":[]}', "text/plain", "notJSON"),
                (b" " * (r.limits.max_size_request + 1), "application/json", "limit"),
            ):
                answer = await r.ada.post("/jmap/api", content=content, headers={"content-type": kind})
                assert answer.status_code == 400
                assert answer.json()["type"] == f"urn:ietf:params:jmap:error:{error}"
                assert answer.headers["content-type"] == "application/problem+json"
            many = {"using": [CORE], "methodCalls": [["Core/echo", {}, "0"]] * 33}
            assert (await r.ada.post("/jmap/api", json=many)).json()["limit"] == "maxCallsInRequest"
            assert (await r.ada.get("/jmap/api")).status_code == 405
            assert (await r.ada.post("/jmap/api", json=CORE_ECHO)).status_code == 200

    run(body())


def test_jmapd_12_so_many_requests_of_an_account_at_once_and_no_permit_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            held, go = asyncio.Semaphore(0), asyncio.Event()

            async def slow(ask: Ask, arguments: object) -> object:
                held.release()
                await go.wait()
                return {}

            monkeypatch.setitem(TABLE.handlers, "Core/echo", slow)
            working = [
                asyncio.ensure_future(r.ada.post("/jmap/api", json=CORE_ECHO))
                for _ in range(r.limits.max_concurrent_requests)
            ]
            for _ in working:
                await held.acquire()
            answer = await r.ada.post("/jmap/api", json=CORE_ECHO)
            assert (answer.status_code, answer.json()["limit"]) == (400, "maxConcurrentRequests")
            working.pop().cancel()  # a client that goes away …
            ben = httpx2.AsyncClient(base_url=r.url, auth=(BEN, "correct horse battery"), trust_env=False)
            other = asyncio.ensure_future(ben.post("/jmap/api", json=CORE_ECHO))
            await held.acquire()  # … is nobody else's business
            go.set()
            assert {(await each).status_code for each in [*working, other]} == {200}
            assert len(r.jmap._requests) == 0
            await ben.aclose()

    run(body())


def test_jmapd_12_a_permit_is_given_back_however_it_ends() -> None:
    permits = Permits(1, "most")
    for _ in range(3):
        with pytest.raises(KeyError), permits.one(7):
            raise KeyError
    with permits.one(7), permits.one(8), pytest.raises(RequestError), permits.one(7):
        pass
    assert len(permits) == 0


def test_jmapd_10_the_state_of_the_session_moves_with_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            first = (await r.ada.get("/.well-known/jmap")).json()
            assert (await r.ada.get("/.well-known/jmap")).json() == first
            assert first["apiUrl"] == f"{r.url}/jmap/api"
            monkeypatch.setitem(TABLE.describe, CORE + ":more", lambda parts, account: {"n": 1})
            r.sessions._known.clear()
            second = (await r.ada.get("/.well-known/jmap")).json()
            assert second["state"] != first["state"]
            assert second["accounts"][r.name_of()]["accountCapabilities"][CORE + ":more"] == {"n": 1}

    run(body())


def test_pages_of_the_webmail_may_ask_and_others_may_not(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            for origin, allowed in ((WEBMAIL, WEBMAIL), ("https://evil.example", None), ("null", None)):
                wish = {"origin": origin, "access-control-request-method": "POST"}
                for path in ("/jmap/api", "/token", "/jmap/upload/a1/", "/.well-known/jmap"):
                    flight = await r.http.options(path, headers=wish)
                    assert flight.status_code == 204
                    assert flight.headers.get("access-control-allow-origin") == allowed
                asked = await r.ada.post("/jmap/api", json=CORE_ECHO, headers={"origin": origin})
                assert asked.headers.get("access-control-allow-origin") == allowed
                assert "access-control-allow-credentials" not in asked.headers
            refused = await r.http.get("/.well-known/jmap", headers={"origin": WEBMAIL})
            assert refused.headers["access-control-allow-origin"] == WEBMAIL

    run(body())


def test_jmapd_3_what_was_uploaded_comes_back_until_it_is_old(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            mine = f"/jmap/upload/{r.name_of()}/"
            made = await r.ada.post(mine, content=b"x" * 300_000, headers={"content-type": "image/png"})
            assert made.status_code == 201
            blob = made.json()
            assert (blob["size"], blob["type"], blob["accountId"]) == (300_000, "image/png", r.name_of())
            got = await r.ada.get(
                f"/jmap/download/{r.name_of()}/{blob['blobId']}/a%20b%22.png?type=image/png"
            )
            assert got.content == b"x" * 300_000 and got.headers["content-type"] == "image/png"
            assert "immutable" in got.headers["cache-control"] and "private" in got.headers["cache-control"]
            other = await r.ada.get(f"/jmap/download/{r.name_of(BEN)}/{blob['blobId']}/a")
            assert other.status_code == 404
            assert (await r.ada.post(f"/jmap/upload/{r.name_of(BEN)}/", content=b"")).status_code == 404
            missing = await r.ada.get(f"/jmap/download/{r.name_of()}/U1-{'a' * 20}/a")
            assert missing.status_code == 404
            large = await r.ada.post(mine, content=b"x" * (r.limits.max_size_upload + 1))
            assert large.status_code == 400 and large.json()["limit"] == "maxSizeUpload"

    run(body())


def test_jmapd_3_uploads_are_swept_after_a_day_and_bounded_until_then() -> None:
    with simulated(1) as world:

        async def main() -> None:
            uploads = Uploads(world, "/uploads")
            old = await uploads.put(7, b"old")
            begun = await uploads.begin(7)
            await begun.add(b"never ended")
            await world.clock.sleep(JMAP_UPLOAD_LIFE_S - 10)
            assert await uploads.sweep() == 0 and await uploads.read(7, old) == b"old"
            new = await uploads.put(7, b"new")
            await world.clock.sleep(20)
            assert await uploads.sweep() == 2
            assert await uploads.read(7, old) is None and await uploads.read(7, new) == b"new"
            assert world.disk.list("/uploads/7") == [new]
            for _ in range(JMAP_UPLOADED_FILES - 1):
                await uploads.put(7, b"")
            with pytest.raises(Exception, match="too much"):
                await uploads.put(7, b"")
            await uploads.put(8, b"others have room")

        world.run(main())


def test_jmapd_13_nothing_that_is_downloaded_runs_here(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            blob = await r.upload(b"<script>alert(1)</script>")
            for kind in (
                "text/html",
                "image/svg+xml",
                "application/xhtml+xml",
                "text/xml",
                "a/b\r\nx: y",
                "",
            ):
                answer = await r.ada.get(f"/jmap/download/{r.name_of()}/{blob}/x.html", params={"type": kind})
                assert answer.headers["content-type"] == "application/octet-stream", kind
                assert answer.headers["content-disposition"].startswith("attachment;")
                assert "sandbox" in answer.headers["content-security-policy"]
                assert answer.headers["x-content-type-options"] == "nosniff"
            name = "%E2%82%AC%22%0d%0aa%2fb"
            said = (await r.ada.get(f"/jmap/download/{r.name_of()}/{blob}/{name}")).headers
            assert said["content-disposition"] == (
                "attachment; filename=\"____a_b\"; filename*=UTF-8''%E2%82%AC___a_b"
            )

    run(body())


def test_messages_and_their_parts_are_blobs(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            whole = message(
                1,
                "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\n"
                "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n--b--",
                Content_Type='multipart/mixed; boundary="b"',
            )
            made = await r.append(whole)
            folder = f"/jmap/download/{r.name_of()}"
            got = await r.ada.get(f"{folder}/{id_of(MESSAGE_BLOB, made.message)}/m.eml")
            assert got.content == whole and got.headers["content-type"] == "message/rfc822"
            part = await r.ada.get(f"{folder}/{part_blob(made.message, '2')}/x.png")
            assert part.content == b"hi" and part.headers["content-type"] == "image/png"
            assert (await r.ada.get(f"{folder}/{part_blob(made.message, '3')}/x")).status_code == 404
            ben = httpx2.AsyncClient(base_url=r.url, auth=(BEN, "correct horse battery"), trust_env=False)
            theirs = f"/jmap/download/{r.name_of(BEN)}/{id_of(MESSAGE_BLOB, made.message)}/m.eml"
            assert (await ben.get(theirs)).status_code == 404
            await ben.aclose()

    run(body())


def test_jmapd_11_ids_are_spelled_in_one_way() -> None:
    for number in (0, 1, 35, 36, 71, (1 << 63) - 1):
        assert number_of("m", id_of("m", number)) == number
        assert read_part_blob(part_blob(number, "2.1")) == (number, "2.1")
    for wrong in ("m", "m00", "m01", "mA", "t1", "m-1", "m²", "m" + "z" * 13, "m1 ", ""):
        assert number_of("m", wrong) is None, wrong
    for wrong in ("P1", "P1_", "P1_0", "P_1", "P1_1_", "P01_1", "B1_1"):
        assert read_part_blob(wrong) is None, wrong


def test_blobs_are_made_read_and_looked_up_as_objects(tmp_path: Path) -> None:
    async def body() -> None:
        async with rig(tmp_path) as r:
            made = await r.calls(
                (
                    "Blob/upload",
                    {"create": {"a": {"data": [{"data:asText": "Hé"}, {"data:asBase64": "IQ=="}]}}},
                    "0",
                ),
                (
                    "Blob/upload",
                    {"create": {"b": {"data": [{"blobId": "#a", "offset": 1, "length": 2}]}}},
                    "1",
                ),
                (
                    "Blob/get",
                    {"ids": ["#a", "#b", "Unone"], "properties": ["data", "digest:sha", "size"]},
                    "2",
                ),
                ("Blob/get", {"ids": ["#a"], "properties": ["data:asText"], "offset": 2, "length": 9}, "3"),
            )
            assert [name for name, _, _ in made] == ["Blob/upload", "Blob/upload", "Blob/get", "Blob/get"]
            one, two = made[2][1]["list"]
            assert (one["data:asText"], one["size"]) == ("Hé!", 4)
            assert two["data:asText"] == "é" and made[2][1]["notFound"] == ["Unone"]
            digest = base64.b64encode(hashlib.sha1("Hé!".encode()).digest()).decode()
            assert one["digest:sha"] == digest
            broken = made[3][1]["list"][0]
            assert broken["isEncodingProblem"] and broken["isTruncated"] and broken["data:asText"] is None
            refused = await r.call(
                "Blob/upload", {"create": {"a": {"data": [{}]}, "b": {"data": [{"blobId": "Unone"}]}}}
            )
            assert {name: each["type"] for name, each in refused["notCreated"].items()} == {
                "a": "invalidProperties",
                "b": "blobNotFound",
            }
            appended = await r.append(message(1))
            whole = id_of(MESSAGE_BLOB, appended.message)
            upload = one["id"]
            found = await r.call(
                "Blob/lookup", {"typeNames": ["Email", "Mailbox"], "ids": [whole, upload, "Bzz"]}
            )
            assert found["notFound"] == ["Bzz"]
            matched = {each["id"]: each["matchedIds"] for each in found["list"]}
            assert matched[upload] == {"Email": [], "Mailbox": []}
            assert matched[whole] == {
                "Email": [id_of("m", appended.message)],
                "Mailbox": [id_of("b", r.box().id)],
            }
            copied = await r.call("Blob/copy", {"fromAccountId": r.name_of(), "blobIds": [upload, "Unone"]})
            assert copied["copied"] == {upload: upload} and list(copied["notCopied"]) == ["Unone"]

    run(body())


def test_an_error_of_ours_gives_a_reference_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:

            def broken(account: object) -> object:
                raise KeyError("a secret of ours")

            monkeypatch.setattr(r.sessions, "of", broken)
            answer = await r.ada.get("/.well-known/jmap")
            assert answer.status_code == 500 and "secret" not in answer.text
            reference = answer.json()["detail"].rpartition(" ")[2].rstrip(".")
            assert reference in Path(f"{r.folder}/journal.jsonl").read_text()

    run(body())
