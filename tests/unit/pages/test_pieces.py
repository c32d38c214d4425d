"""Pace, seal, colour, languages, ways back, what a form sends: the small parts of pages."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import Response
from starlette.testclient import TestClient

from holdfast.model.errors import Unavailable
from holdfast.pages import Form, Pace, Seal, Site, Visit, local_path
from holdfast.pages.colour import DARK, LIGHT, OURS, WHITE, contrast, in_the_dark, readable, sheet
from holdfast.pages.ended import Ended
from holdfast.pages.visit import accepted_language
from holdfast.sim.world import SimWorld, simulated
from holdfast.world import Entry, real_world


@pytest.fixture
def world():
    with simulated(1) as made:
        yield made


# Pace


def after(world: SimWorld, seconds: float) -> None:
    async def wait() -> None:
        await world.clock.sleep(seconds)

    world.run(wait())


def test_so_many_tries_at_once_and_then_one_at_a_time(world: SimWorld):
    pace = Pace(world, burst=3, every_s=10)
    assert [pace.use("a") for _ in range(3)] == [0, 0, 0]
    assert pace.use("a") == pytest.approx(10)
    assert pace.use("b") == 0  # another key's tries are its own
    after(world, 10.01)
    assert pace.use("a") == 0
    assert pace.use("a") > 9
    pace.forget("a")
    assert pace.use("a") == 0


def test_a_refused_try_takes_none(world: SimWorld):
    pace = Pace(world, burst=1, every_s=10)
    pace.take("a")
    for _ in range(50):
        with pytest.raises(Unavailable) as caught:
            pace.take("a")
    assert caught.value.component == "pace"
    assert caught.value.retry_after_s <= 10


def test_pages_9_what_is_remembered_is_bounded_and_the_oldest_goes_first(world: SimWorld):
    pace = Pace(world, burst=1, every_s=1000, most=100)
    for number in range(1000):
        pace.use(str(number))
    assert len(pace) == 100
    assert pace.use("999") > 0 and pace.use("0") == 0


# Seal


@settings(max_examples=40)
@given(content=st.binary(max_size=200))
def test_what_was_sealed_opens_for_its_purpose_and_its_key_alone(content: bytes):
    with simulated(1) as world:
        seal = Seal(world, b"k" * 32)
        token = seal.seal("session", content)
        assert seal.open("session", token) == content
        assert seal.open("notice", token) is None
        assert Seal(world, b"l" * 32).open("session", token) is None
        assert seal.seal("session", content) != token


@settings(max_examples=40)
@given(st.text(max_size=100))
def test_nothing_else_opens(token: str):
    with simulated(1) as world:
        assert Seal(world, b"k" * 32).open("session", token) is None


def test_a_short_key_is_no_key(world: SimWorld):
    with pytest.raises(ValueError):
        Seal(world, b"short")


def test_a_mark_is_of_all_its_parts(world: SimWorld):
    seal = Seal(world, b"k" * 32)
    marks = {seal.mark("form", *parts) for parts in (("a", "b"), ("ab", ""), ("", "ab"), ("a", "c"))}
    assert len(marks) == 4
    assert seal.mark("form", "a", "b") == seal.mark("form", "a", "b")


# Who signed out


def test_pages_4_who_signed_out_did_so_in_every_process_and_after_a_restart(world: SimWorld):
    one, other = Ended(world, "/sessions", "password-0"), Ended(world, "/sessions", "password-1")
    stranger = Ended(world, "/sessions", "admin-0")
    later = world.clock.now() + 1000
    one.add("abc", later)
    assert "abc" in one and "abc" in other and "abc" not in stranger and "abd" not in other
    other.add("def", later)
    again = Ended(world, "/sessions", "password-0")
    assert "abc" in again and "def" in again
    again.add("ghi", later)
    assert "ghi" in other and "abc" in other


def test_what_does_not_matter_any_more_is_forgotten_at_the_next_start(world: SimWorld):
    ended = Ended(world, "/sessions", "password-0")
    ended.add("old", world.clock.now() + 10)
    ended.add("new", world.clock.now() + 1000)
    after(world, 100)
    again = Ended(world, "/sessions", "password-0")
    assert "new" in again
    assert world.disk.read("/sessions/password-0.ended").startswith(b"new ")
    assert b"old" not in world.disk.read("/sessions/password-0.ended")


def test_a_damaged_file_says_nothing_and_costs_no_page(world: SimWorld):
    world.disk.make_folder("/sessions")
    world.disk.write_atomic("/sessions/password-1.ended", b"\xff\x00 nonsense\nabc 99999999999\ncut sh")
    ended = Ended(world, "/sessions", "password-0")
    assert "abc" in ended and "cut" not in ended
    ended.add("def", world.clock.now() + 10)
    assert "def" in ended


# Colour


@pytest.mark.parametrize(
    "colour", ["", "red", "#fff", "#ffff00", "#ffffff", "#zzzzzz", "url(x)", "#12345", "#777777"]
)
def test_a_colour_that_cant_be_read_is_ours_instead(colour: str):
    assert readable(colour) == OURS


@settings(max_examples=40)
@given(st.integers(0, 0xFFFFFF))
def test_every_colour_a_brand_may_have_ends_up_readable_in_light_and_dark(number: int):
    light = readable(f"#{number:06x}")
    assert contrast(light, LIGHT) >= 4.5 and contrast(light, WHITE) >= 4.5
    assert contrast(in_the_dark(light), DARK) >= 4.5
    assert contrast(in_the_dark(light), "#10161c") >= 4.5  # what stands on a button in the dark
    assert light in sheet(f"#{number:06x}")


def test_contrast_is_as_wcag_computes_it():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


# Languages, ways back, forms


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("fr, en;q=0.3, de;q=0.4", "de"),
        ("en-US", "en"),
        ("fr, *", ""),
        ("de;q=0", ""),
        ("de;q=x, en", "en"),
        (",;q=;;,", ""),
        ("", ""),
    ],
)
def test_the_browsers_best_language_of_ours_is_taken(header: str, language: str):
    assert accepted_language(header) == language


@settings(max_examples=40)
@given(st.text(max_size=60))
def test_pages_5_a_way_back_is_a_path_of_ours_whatever_was_asked(text: str):
    path = local_path(text)
    assert path.startswith("/") and not path.startswith("//") and "\\" not in path
    assert path.isprintable()


def test_what_a_form_sent_is_text_stripped_where_it_is_no_secret():
    form = Form({"name": ["  Anna ", "B"], "password": [" with spaces "]})
    assert form.get("name") == "Anna" and form.all("name") == ["  Anna ", "B"]
    assert form.exact("password") == " with spaces "
    assert form.get("none", "x") == "x" and form.exact("none") == "" and form.file("none") == b""
    assert "name" in form and "none" not in form


def test_where_a_visitor_comes_from_is_said_of_pages_that_were_served_and_of_those_that_were_not() -> None:
    said: list[Entry] = []
    world = real_world(journal_path=os.devnull)
    world.journal.at(said.append)
    site = Site(world, function="password", key=b"k" * 32, secure=False)

    @site.page("/there", methods=("GET",))
    async def there(visit: Visit) -> Response:
        return visit.go("/")

    @site.page("/gone", methods=("GET",))
    async def gone(visit: Visit) -> Response:
        raise Unavailable("people")

    client = TestClient(site.app, base_url="http://localhost", client=("192.0.2.7", 4711))
    assert client.get("/there", follow_redirects=False).status_code == 303
    assert client.get("/gone").status_code == 503
    found = [(each.name, each.keys.get("status"), each.keys["peer"]) for each in said]
    assert found == [
        ("page_served", 303, "192.0.2.7"),
        ("page_unavailable", None, "192.0.2.7"),
        ("page_served", 503, "192.0.2.7"),
    ]
