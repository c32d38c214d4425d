"""What reports are made with, for the role care and for commands."""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable, Collection, Iterator

from holdfast.care.notices.channels import Message
from holdfast.care.notices.recipients import Contact
from holdfast.care.reports import facts
from holdfast.care.reports.alarming import CustomersFirstPart
from holdfast.care.reports.authorities import Thresholds
from holdfast.care.reports.document import Document
from holdfast.care.reports.drafting import DraftsPart, Press
from holdfast.care.reports.filing import Provider
from holdfast.care.reports.kept import Ahead, KeptReports
from holdfast.care.reports.matching import ReportsPart
from holdfast.care.turns import Part
from holdfast.pages.texts import Texts
from holdfast.run import layout, noticing
from holdfast.run.config import Config
from holdfast.watch.incidents import door
from holdfast.world import World


def parts(world: World, config: Config) -> Iterator[Part]:
    socket = layout.socket_path(config, "watch")

    async def look(functions: Collection[str]) -> None:
        await door.ask_to_look(world, socket, functions)

    made = press(world, config)
    kept = KeptReports(world, layout.reports_path(config))
    yield ReportsPart(world, kept)
    yield CustomersFirstPart(world, kept, look, _alarm(world, config, made.texts))
    yield DraftsPart(world, layout.reports_folder(config), made)


def _alarm(world: World, config: Config, texts: Texts) -> Callable[[Ahead], Awaitable[None]]:
    """By every address of `notices.alarms`; none is none."""
    language = config.web.language

    async def alarm(ahead: Ahead) -> None:
        function = texts.say(language, f"status.function.{ahead.function}")
        title = texts.say(language, "report.ahead.title", function=function)
        at = texts.instant(language, ahead.first_at)
        text = texts.say(language, "report.ahead.text", function=function, people=ahead.people, at=at)
        staff = Contact(0, "", "", "", language)
        for each in noticing.alarms(world, config):
            await each.send(Message(staff, language, title, text, text, "", ""))

    return alarm


def press(world: World, config: Config) -> Press:
    reports = config.reports
    return Press(
        facts.texts(config.web.time_zone),
        thresholds(config),
        Provider(reports.provider, reports.contact, reports.privacy),
        printer(world) if reports.pdf else None,
    )


def thresholds(config: Config) -> Thresholds:
    reports = config.reports
    return Thresholds(
        tuple(reports.laws),
        reports.whole_minutes,
        reports.part_minutes,
        reports.part_share,
        reports.part_mailboxes,
        reports.data_hours,
    )


def printer(world: World) -> Callable[[Document], bytes] | None:
    """None without the extra `pdf`. What prints takes a second to load, so it is loaded when it is needed."""
    if importlib.util.find_spec("fpdf") is None:
        return None

    def print_(document: Document) -> bytes:
        from holdfast.care.reports.printed import as_pdf

        return as_pdf(document, world.disk)

    return print_
