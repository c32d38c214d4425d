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


class Vantage(Section, frozen=True):
    """A place elsewhere that tries our public doors."""

    url: Annotated[str, Meta(description="Where it tells what it saw: http://name:port, or https.")]
    key: Annotated[Secret, Meta(description="What both sides prove themselves with, as file:/path.")]
    doors: Annotated[
        list[str], Meta(description="What it tries, as `[listen]` has them; [] is every public one.")
    ] = field(default_factory=list)


class Remedies(Section, frozen=True):
    mode: Annotated[
        Literal["on", "dry-run", "off"],
        Meta(description="on: what `rules` names is carried out; dry-run: it is only said what would be."),
    ] = "on"
    rules: Annotated[
        list[Literal["restart", "reroute", "shed", "hold", "drain"]],
        Meta(description="What is carried out without asking (docs/operate/remedies.md)."),
    ] = field(default_factory=lambda: ["restart", "shed"])
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


class Care(Section, frozen=True):
    fees: Annotated[
        str, Meta(description="CSV file of what contracts cost a month: contract,fee,currency; '' for none.")
    ] = ""
    currency: Annotated[
        str, Meta(description="Of fees that name none, and of flat credits.", pattern="^[A-Z]{3}$")
    ] = "EUR"
    credit_days: Annotated[
        int,
        Meta(description="Within so many days what is owed is credited: customers are promised it.", ge=1),
    ] = 30


class CreditRule(Section, frozen=True):
    """What contracts get for an outage."""

    rule: Annotated[
        Literal["daily", "pro_rata", "tiers", "flat"],
        Meta(
            description="daily: for each further day; pro_rata: the fee's share of the time; tiers: by a "
            "month's availability; flat: once."
        ),
    ]
    source: Annotated[str, Meta(description="The law, agreement or decision that it is from: it is shown.")]
    functions: Annotated[list[str], Meta(description="Whose outage counts; [] is every one.")] = field(
        default_factory=list
    )
    since: Annotated[str, Meta(description="First day it holds, as 2012-08-15; '' for ever.")] = ""
    until: Annotated[str, Meta(description="Last day it holds; '' for ever.")] = ""
    time_zone: Annotated[str, Meta(description="Whose days and months count.")] = "Europe/Berlin"
    steps: Annotated[
        list[str],
        Meta(
            description="daily: `day: percent of the fee, least amount`, from that day after the report on; "
            "the default is in the manner of § 58 (3) TKG."
        ),
    ] = field(default_factory=lambda: ["3: 10, 5.00", "5: 20, 10.00"])
    tiers: Annotated[
        list[str], Meta(description="tiers: `below this availability: percent of the fee`, as `99.9: 10`.")
    ] = field(default_factory=lambda: ["99.9: 10", "99: 25", "95: 100"])
    amount: Annotated[str, Meta(description="flat: how much.")] = "5.00"
    least_hours: Annotated[float, Meta(description="flat: for outages of so many hours and more.", ge=0)] = 24


class Status(Section, frozen=True):
    name: Annotated[str, Meta(description="Whose status it is; '' is the host's name.")] = ""
    url: Annotated[
        str, Meta(description="The pages' address, as customers reach it: links lead there; '' for none.")
    ] = ""
    colour: Annotated[
        str, Meta(description="The brand's colour: #rrggbb; '' is our own.", pattern="^(#[0-9a-fA-F]{6})?$")
    ] = ""
    support_url: Annotated[str, Meta(description="Where customers find help: https://…; '' for none.")] = ""
    support_phone: Annotated[str, Meta(description="A number of theirs to call; '' for none.")] = ""
    folder: Annotated[
        str, Meta(description="Where the pages are written; '' is care/status in the data folder.")
    ] = ""
    maintenance: Annotated[
        str, Meta(description="TOML file of planned maintenance (docs/operate/status-page.md); '' for none.")
    ] = ""
    customers: Annotated[
        bool, Meta(description="A page for each customer whom an outage hits, under a name none can guess.")
    ] = True


class StatusBrand(Section, frozen=True):
    """Where a tenant's pages are; its name is their folder, below everybody's."""

    tenant: Annotated[int, Meta(description="Its number, as the admin pages show it.", ge=1)]
    url: Annotated[
        str, Meta(description="Its own host's address that shows the folder; '' is below status.url.")
    ] = ""


class Reports(Section, frozen=True):
    provider: Annotated[str, Meta(description="The provider, as authorities know it.")] = ""
    contact: Annotated[
        str, Meta(description="Who answers an authority's questions: name, telephone, address.")
    ] = ""
    privacy: Annotated[str, Meta(description="The data protection officer, likewise.")] = ""
    laws: Annotated[
        list[Literal["nis2", "gdpr"]], Meta(description="By which reports to authorities are drafted.")
    ] = field(default_factory=lambda: ["nis2", "gdpr"])
    whole_minutes: Annotated[
        float, Meta(description="A function that fails for all for longer is a significant incident.", ge=0)
    ] = 30
    part_minutes: Annotated[
        float, Meta(description="So is one that fails for longer for as many as the next two say.", ge=0)
    ] = 60
    part_share: Annotated[
        float, Meta(description="For more than this share of all mailboxes.", ge=0, le=1)
    ] = 0.05
    part_mailboxes: Annotated[int, Meta(description="Or for more mailboxes than this.", ge=0)] = 1_000_000
    data_hours: Annotated[
        float, Meta(description="Mail nobody can read for longer is data that isn't available.", ge=0)
    ] = 24
    pdf: Annotated[bool, Meta(description="Drafts are printed, too; needs the extra `pdf`.")] = True


class Publish(Section, frozen=True):
    """A further place that the status page is taken to."""

    to: Annotated[
        str,
        Meta(
            description="A folder, `sftp://user@host:port/folder` by the system's sftp, or "
            "`s3://bucket/prefix` (needs the extra `s3`)."
        ),
    ]
    key: Annotated[str, Meta(description="sftp: file of the private key; '' is the user's own.")] = ""
    known_hosts: Annotated[
        str, Meta(description="sftp: file of the host keys that are trusted; '' is the user's own.")
    ] = ""
    endpoint: Annotated[str, Meta(description="s3: URL of the store; '' is Amazon's.")] = ""
    region: Annotated[str, Meta(description="s3: of the bucket.")] = "us-east-1"
    access_key: Annotated[str, Meta(description="s3: our name there.")] = ""
    secret_key: Annotated[Secret, Meta(description="s3: its secret, as file:/path.")] = Secret("")


class Console(Section, frozen=True):
    networks: Annotated[
        list[str],
        Meta(description="Addresses or networks that the console may be opened from; this machine alone."),
    ] = field(default_factory=lambda: ["127.0.0.0/8", "::1"])
    token_hours: Annotated[
        float, Meta(description="Hours until a token ends, unless its maker says otherwise.", gt=0, le=8760)
    ] = 12.0
