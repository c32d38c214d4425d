"""Letting programs in: codes, tokens, names with passwords, and what ends them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from holdfast.functions.jmap.clients import Clients, origin_of
from holdfast.model.errors import Unavailable
from holdfast.model.people import AccountState
from unit.functions.jmap.http_rig import (
    CORE_ECHO,
    VERIFIER,
    WEBMAIL,
    HttpRig,
    bearer,
    http_rig,
    led_to,
)
from unit.functions.jmap.rig import ADA, run

pytestmark = pytest.mark.slow


def test_a_code_is_exchanged_for_tokens_that_open_the_api(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            said = (await r.http.get("/.well-known/oauth-authorization-server")).json()
            assert said["token_endpoint"] == f"{r.url}/token"
            pair = await r.pair()
            assert pair["token_type"] == "Bearer" and 0 < pair["expires_in"] <= 900
            session = (await r.session(pair["access_token"])).json()
            assert session["username"] == ADA and list(session["accounts"]) == [r.name_of()]
            done = await r.http.post("/jmap/api", json=CORE_ECHO, headers=bearer(pair["access_token"]))
            assert done.json()["methodResponses"] == [["Core/echo", {"a": 1}, "0"]]
            assert done.json()["sessionState"] == session["state"]
            again = (await r.refresh(pair["refresh_token"])).json()
            assert (await r.session(again["access_token"])).status_code == 200

    run(body())


def test_jmapd_7_a_code_goes_to_the_webmail_or_this_machine_and_needs_its_verifier(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            for wrong in ("https://evil.example/", f"{WEBMAIL}.evil.example/", "javascript:alert(1)", ""):
                page = await r.http.get(r.authorize_path(redirect_uri=wrong))
                assert page.status_code == 403 and "refresh" not in page.text, wrong
            plain = led_to(await r.http.get(r.authorize_path(code_challenge_method="plain")))
            assert plain["error"] == "invalid_request" and plain["state"] == "s1"
            code = await r.code()
            form = {"grant_type": "authorization_code", "code": code, "redirect_uri": f"{WEBMAIL}/"}
            for changed in (
                {"code_verifier": "w" * 43},
                {"code_verifier": VERIFIER, "client_id": "another"},
                {"code_verifier": VERIFIER, "redirect_uri": f"{WEBMAIL}/else"},
            ):
                answer = await r.ask_token(**form | changed)
                assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
            assert (await r.ask_token(**form, code_verifier=VERIFIER)).status_code == 200

    run(body())


def test_jmapd_7_which_addresses_are_allowed() -> None:
    clients = Clients(["https://mail.example.org:8447/", "", "nonsense"])
    good = (
        "https://mail.example.org:8447/",
        "https://mail.example.org:8447/deep/er?x=1",
        "http://127.0.0.1:4711/back",
        "http://[::1]:4711/back",
        "http://localhost/",
    )
    bad = (
        "https://mail.example.org/",
        "http://mail.example.org:8447/",
        "https://mail.example.org:8447@evil.example/",
        "https://mail.example.org:8447/#x",
        "https://mail.example.org:8447\\@evil.example",
        "https://127.0.0.1/",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.1:x/",
        "//mail.example.org:8447/",
        "com.example:/back",
    )
    assert [each for each in good if not clients.may_return_to(each)] == []
    assert [each for each in bad if clients.may_return_to(each)] == []
    assert clients.is_ours(good[0]) and not clients.is_ours(good[2])
    assert origin_of("https://MAIL.example.org:443/x") == "https://mail.example.org"


def test_jmapd_8_nobody_stays_signed_in_on_the_page(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            browser, page = await r.signed_in_page(r.authorize_path())
            assert led_to(page)["iss"] == r.url
            again = await browser.get(r.authorize_path())
            assert again.status_code == 303 and again.headers["location"].startswith("/sign-in")
            await browser.aclose()

    run(body())


def test_another_program_is_let_in_only_when_the_person_says_so(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            path = r.authorize_path(redirect_uri="http://127.0.0.1:4711/back", client_id="<b>Prog</b>")
            for word in ("no", "yes"):
                browser, page = await r.signed_in_page(path)
                assert page.status_code == 200 and "&lt;b&gt;Prog" in page.text
                token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
                done = led_to(await browser.post(path, data={"csrf": token, "allow": word}))
                assert done["url"] == "http://127.0.0.1:4711/back"
                assert done.get("error", "") == ("access_denied" if word == "no" else "")
                assert ("code" in done) == (word == "yes")
                await browser.aclose()

    run(body())


def test_jmapd_5_a_refresh_token_used_twice_ends_its_sign_in(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            first = await r.pair()
            second = (await r.refresh(first["refresh_token"])).json()
            # Its answer was lost: the last one may be used again, and both of what it gave …
            other = (await r.refresh(first["refresh_token"])).json()
            third = (await r.refresh(other["refresh_token"])).json()
            assert (await r.session(third["access_token"])).status_code == 200
            # … until one of them is: the other one is somebody's who copied it.
            assert (await r.refresh(second["refresh_token"])).status_code == 400
            assert (await r.refresh(third["refresh_token"])).status_code == 400
            assert (await r.session(third["access_token"])).status_code == 401
            assert "jmap_token_reused" in journal(r)
            mine = await r.pair()
            assert (await r.refresh(mine["refresh_token"])).status_code == 200

    run(body())


def test_a_code_used_twice_ends_what_it_opened(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            form = {
                "grant_type": "authorization_code",
                "code": await r.code(),
                "redirect_uri": f"{WEBMAIL}/",
                "code_verifier": VERIFIER,
            }
            first = (await r.ask_token(**form)).json()
            assert (await r.ask_token(**form)).status_code == 400
            assert (await r.session(first["access_token"])).status_code == 401
            assert (await r.refresh(first["refresh_token"])).status_code == 400

    run(body())


def test_jmapd_4_what_ends_a_sign_in_is_asked_each_time(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            revoked, signed_out, disabled = [await r.pair() for _ in range(3)]
            answer = await r.http.post("/revoke", data={"token": revoked["refresh_token"]})
            assert answer.status_code == 200
            assert (await r.http.post("/revoke", data={"token": "nonsense"})).status_code == 200
            assert (await r.session(revoked["access_token"])).status_code == 401
            assert (await r.refresh(revoked["refresh_token"])).status_code == 400
            assert (await r.session(signed_out["access_token"])).status_code == 200
            await r.people_writer.sign_out(r.account().id)
            await r.people.written(5)
            assert (await r.session(signed_out["access_token"])).status_code == 401
            fresh = await r.pair()
            assert (await r.session(fresh["access_token"])).status_code == 200
            await r.people_writer.account_set(r.account().id, state=AccountState.DISABLED)
            await r.people.written(5)
            assert (await r.session(fresh["access_token"])).status_code == 401
            assert (await r.refresh(disabled["refresh_token"])).status_code == 400

    run(body())


def test_without_the_note_of_sign_ins_tokens_go_on(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            pair = await r.pair()
            for each in (tmp_path / "sessions").iterdir():
                each.write_bytes(b"no database" * 500)
            pair = (await r.refresh(pair["refresh_token"])).json()
            assert (await r.session(pair["access_token"])).status_code == 200

    run(body())


def test_jmapd_6_name_and_password_are_known_until_either_changes(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            for _ in range(3):
                assert (await r.ada.get("/.well-known/jmap")).status_code == 200
            assert journal(r).count('"sign_in"') == 1  # the others cost nothing, and say nothing
            await r.people_writer.password_set(ADA, password="another one entirely")
            await r.people.written(5)
            assert (await r.ada.get("/.well-known/jmap")).status_code == 401
            secret = "hfapp-" + "-".join(["0123", "4567", "89ab", "cdef"])
            made = await r.people_writer.app_password_add(
                r.account().id, "program", secret, functions=["jmap"]
            )
            await r.people.written(5)
            app = (ADA, secret)
            assert (await r.http.get("/.well-known/jmap", auth=app)).status_code == 200
            await r.people_writer.app_password_rm(r.account().id, made.id)
            await r.people.written(5)
            assert (await r.http.get("/.well-known/jmap", auth=app)).status_code == 401

    run(body())


def test_who_is_not_signed_in_is_told_how(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            program = await r.http.get("/.well-known/jmap")
            assert program.status_code == 401 and "Basic" in program.headers["www-authenticate"]
            page = await r.http.get("/.well-known/jmap", headers={"origin": WEBMAIL})
            assert page.status_code == 401 and "Basic" not in page.headers["www-authenticate"]
            for wrong in ("Basic !", "Basic " + "QQ==", "Bearer x", "Bearer hfat_" + "A" * 90, "Digest x"):
                answer = await r.http.get("/.well-known/jmap", headers={"authorization": wrong})
                assert answer.status_code == 401, wrong

    run(body())


def test_jmapd_9_what_cannot_be_checked_is_later_and_never_wrong(tmp_path: Path) -> None:
    async def body() -> None:
        async with http_rig(tmp_path) as r:
            pair = await r.pair()

            async def gone(*words: object, **keys: object) -> object:
                raise Unavailable("auth", "not connected", 7.0)

            r.sign_in.check = gone  # type: ignore[method-assign, assignment]
            answer = await r.ada.get("/.well-known/jmap")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
            assert (await r.session(pair["access_token"])).status_code == 200

            def unknown(account: int) -> object:
                raise Unavailable("people", "the copy is being built")

            r.people.account = unknown  # type: ignore[method-assign, assignment]
            answer = await r.session(pair["access_token"])
            assert answer.status_code == 503 and "people" in answer.json()["detail"]
            assert (await r.refresh(pair["refresh_token"])).status_code == 503

    run(body())


def journal(r: HttpRig) -> str:
    text = Path(f"{r.folder}/journal.jsonl").read_text()
    return "\n".join(json.dumps({"event": json.loads(line)["event"]}) for line in text.splitlines())
