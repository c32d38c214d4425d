"""Sections of those who watch and care: what is tried and how often, and what follows from it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from holdfast.run.sections import Secret, Section


class Watch(Section, frozen=True):
    probe_s: Annotated[
        float, Meta(description="Each door is tried about every so many seconds.", ge=0.5, le=60)
    ] = 2.0
    canary_s: Annotated[
        float,
        Meta(description="Each function is used as a customer does about every so many seconds.", ge=10),
    ] = 60.0
    canaries: Annotated[
        bool, Meta(description="Canaries run by themselves; their accounts are made where they are missing.")
    ] = True


class Remedies(Section, frozen=True):
    mode: Annotated[
        Literal["on", "dry-run", "off"],
        Meta(description="on: what `rules` names is carried out; dry-run: it is only said what would be."),
    ] = "on"
    rules: Annotated[
        list[Literal["restart", "reroute", "hold", "drain"]],
        Meta(description="What is carried out without asking (docs/operate/remedies.md)."),
    ] = field(default_factory=lambda: ["restart"])
    probability: Annotated[
        float, Meta(description="Of the diagnosis, at least, before anything is done.", ge=0.9, le=1)
    ] = 0.95
    stands_s: Annotated[
        float, Meta(description="For so many seconds the diagnosis must have stood.", ge=0)
    ] = 10.0
    per_hour: Annotated[int, Meta(description="Most that is carried out in an hour.", ge=0, le=60)] = 4
    roll_pause_s: Annotated[
        float,
        Meta(description="Seconds between two processes of a rolling restart, for faults to be seen.", ge=0),
    ] = 0.0


class Notices(Section, frozen=True):
    enabled: Annotated[bool, Meta(description="Customers whom an outage hits are told by themselves.")] = True
    order: Annotated[
        list[str],
        Meta(
            description="Ways to a customer, each tried when the one before doesn't take it: sms, mail, "
            "names of `[channels]`; [] is sms, channels of that kind by name, mail."
        ),
    ] = field(default_factory=list)
    sms_per_hour: Annotated[
        int, Meta(description="Most text messages by `gateways.sms_url` in an hour.", ge=0)
    ] = 60_000
    mail_per_hour: Annotated[
        int, Meta(description="Most mail by `gateways.mail_smarthost` in an hour.", ge=0)
    ] = 60_000
    at_once: Annotated[int, Meta(description="On their way by one channel at a time.", ge=1, le=64)] = 32
    most_share: Annotated[
        float,
        Meta(description="Held when it would go to more than so many times the customers counted.", ge=1),
    ] = 1.2
    quiet: Annotated[
        str,
        Meta(
            description="Hours without text messages, but of what begins or was told wrong: 22:00-07:00.",
            pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$",
        ),
    ] = ""
    alarms: Annotated[
        Secret,
        Meta(description="file:/path with addresses of the staff's alarm, as apprise has them, one a line."),
    ] = Secret("")


class Channel(Section, frozen=True):
    """A further way to customers over HTTP."""

    kind: Annotated[
        Literal["sms", "push"],
        Meta(description="sms: to a phone; push: to a topic, each customer's own where {token} stands."),
    ]
    url: Annotated[
        str, Meta(description="With {phone} or {token}, {title}, {text}, {secret}, {language}, {link}.")
    ]
    method: Annotated[Literal["POST", "PUT", "GET"], Meta(description="How it is asked.")] = "POST"
    headers: Annotated[
        list[str], Meta(description="Lines `Name: value`; the Content-Type says how the body is quoted.")
    ] = field(default_factory=lambda: ["Content-Type: application/json"])
    body: Annotated[str, Meta(description="Its body, with the same words.")] = (
        '{"to": "{phone}", "text": "{text}"}'
    )
    secret: Annotated[Secret, Meta(description="What {secret} stands for, as file:/path.")] = Secret("")
    expect: Annotated[str, Meta(description="A word its answer must contain.")] = ""
    countries: Annotated[
        list[str], Meta(description="sms: beginnings of numbers that are served; [] for all.")
    ] = field(default_factory=list)
    per_hour: Annotated[int, Meta(description="Most of them in an hour.", ge=0)] = 60_000
