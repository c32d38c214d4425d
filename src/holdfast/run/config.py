"""The configuration: one TOML file, every key with a default that works.

Each section is a struct; a key's meaning stands beside it (``Meta(description=…)``) and
is what ``holdfast config describe`` and ``docs/reference/configuration.md`` print.
Reading it is in ``run/reading.py``.
"""

from __future__ import annotations

import os.path
from typing import Annotated, Literal

from msgspec import Meta, field

from holdfast.model.ledgers import PEOPLE
from holdfast.model.limits import Limits
from holdfast.run.config_care import (
    Care,
    Channel,
    Console,
    CreditRule,
    Notices,
    Publish,
    Remedies,
    Reports,
    Status,
    StatusBrand,
    Vantage,
    Watch,
)
from holdfast.run.sections import Secret, Section

Listener = Annotated[str, Meta(description="host:port, [v6 address]:port, or :port for every interface")]


class Service(Section, frozen=True):
    hostname: Annotated[str, Meta(description="This machine's name as other servers see it.")] = "localhost"
    user: Annotated[
        str, Meta(description="Whom to become after binding the ports, when root starts it; '' stays root.")
    ] = ""
    data: Annotated[
        str, Meta(description="Folder of everything that is kept: keys, the people ledger, indexes.")
    ] = "/var/lib/holdfast"
    run: Annotated[
        str, Meta(description="Folder of sockets and the PID file; '' is run/ in the data folder.")
    ] = ""
    cells: Annotated[
        int, Meta(description="Cells per volume, set before the first account and kept.", ge=1, le=4096)
    ] = 64
    journal: Annotated[str, Meta(description="File for the journal (JSON lines); '' is standard error.")] = ""
    journal_level: Annotated[
        Literal["debug", "info", "warn", "error"],
        Meta(description="The least that is written; debug has a line for each message and each command."),
    ] = "info"
    watchdog_s: Annotated[
        float,
        Meta(description="Seconds a process may do nothing at all before it is started again; 0: any.", ge=0),
    ] = 30.0


class Volume(Section, frozen=True):
    folder: Annotated[
        str, Meta(description="Where its packs lie; '' is volumes/<name> in the data folder.")
    ] = ""
    pack_bytes: Annotated[
        int, Meta(description="A pack is sealed when it grows larger than this.", ge=65536)
    ] = 256 * 1024 * 1024


class Copy(Section, frozen=True):
    folder: Annotated[str, Meta(description="Where the copy of the volume's packs lies: another disk.")]
    volume: Annotated[
        str, Meta(description="The volume it is a copy of; people: the ledger of people, in the data folder.")
    ] = "v1"
    mode: Annotated[
        Literal["synchronous", "trailing"],
        Meta(description="synchronous: nothing is acknowledged before it is safe here too."),
    ] = "trailing"


class Listen(Section, frozen=True):
    mx: Annotated[list[str], Meta(description="SMTP from other servers.")] = field(
        default_factory=lambda: [":25"]
    )
    submission: Annotated[list[str], Meta(description="SMTP from customers, with STARTTLS.")] = field(
        default_factory=lambda: [":587"]
    )
    submissions: Annotated[list[str], Meta(description="SMTP from customers, in TLS.")] = field(
        default_factory=lambda: [":465"]
    )
    imap: Annotated[list[str], Meta(description="IMAP with STARTTLS.")] = field(
        default_factory=lambda: [":143"]
    )
    imaps: Annotated[list[str], Meta(description="IMAP in TLS.")] = field(default_factory=lambda: [":993"])
    pop3: Annotated[list[str], Meta(description="POP3 with STLS.")] = field(default_factory=lambda: [":110"])
    pop3s: Annotated[list[str], Meta(description="POP3 in TLS.")] = field(default_factory=lambda: [":995"])
    account_http: Annotated[
        list[str], Meta(description="Self-service pages behind a proxy that does TLS (see `[web]`).")
    ] = field(default_factory=list)
    account_https: Annotated[list[str], Meta(description="Self-service pages.")] = field(
        default_factory=lambda: [":8443"]
    )
    signup_http: Annotated[list[str], Meta(description="Sign-up pages behind a proxy that does TLS.")] = (
        field(default_factory=list)
    )
    signup_https: Annotated[list[str], Meta(description="Sign-up pages.")] = field(
        default_factory=lambda: [":8444"]
    )
    admin_http: Annotated[list[str], Meta(description="Administration behind a proxy that does TLS.")] = (
        field(default_factory=list)
    )
    admin_https: Annotated[list[str], Meta(description="Administration: pages and interface.")] = field(
        default_factory=lambda: ["127.0.0.1:8445"]
    )
    jmap_http: Annotated[list[str], Meta(description="JMAP behind a proxy that does TLS.")] = field(
        default_factory=list
    )
    jmap_https: Annotated[list[str], Meta(description="JMAP: for the webmail and other programs.")] = field(
        default_factory=lambda: [":8446"]
    )
    webmail_http: Annotated[list[str], Meta(description="The webmail behind a proxy that does TLS.")] = field(
        default_factory=list
    )
    webmail_https: Annotated[list[str], Meta(description="The webmail: files, and nothing else.")] = field(
        default_factory=lambda: [":8447"]
    )
    setup_http: Annotated[
        list[str], Meta(description="Client set-up, and the challenges of certificates (ACME).")
    ] = field(default_factory=lambda: [":80"])
    setup_https: Annotated[list[str], Meta(description="Client set-up, in TLS.")] = field(
        default_factory=lambda: [":443"]
    )
    health_http: Annotated[list[str], Meta(description="Health and metrics, for monitoring.")] = field(
        default_factory=lambda: ["127.0.0.1:9464"]
    )
    care_http: Annotated[list[str], Meta(description="Reports and console behind a proxy that does TLS.")] = (
        field(default_factory=list)
    )
    care_https: Annotated[
        list[str], Meta(description="Where customers report what doesn't work, and operators' console.")
    ] = field(default_factory=lambda: [":8448"])


_Count = Annotated[int, Meta(ge=0, le=64)]


class Workers(Section, frozen=True):
    mx: Annotated[
        _Count, Meta(description="Processes that take mail from other servers; 0 turns it off.")
    ] = 1
    submission: Annotated[_Count, Meta(description="Processes that take mail from customers.")] = 1
    imap: Annotated[_Count, Meta(description="Processes that serve IMAP.")] = 2
    pop3: Annotated[_Count, Meta(description="Processes that serve POP3.")] = 1
    password: Annotated[_Count, Meta(description="Processes that serve self-service pages.")] = 1
    signup: Annotated[_Count, Meta(description="Processes that serve sign-up.")] = 1
    admin: Annotated[_Count, Meta(description="Processes that serve administration.")] = 1
    jmap: Annotated[_Count, Meta(description="Processes that serve JMAP.")] = 1
    webmail: Annotated[_Count, Meta(description="Processes that serve the webmail's files.")] = 1
    setup: Annotated[_Count, Meta(description="Processes that serve client set-up and challenges.")] = 1
    health: Annotated[_Count, Meta(description="Processes that serve health and metrics.")] = 1
    watch: Annotated[
        int, Meta(description="1: faults are noticed, named and written down; 0 turns that off.", ge=0, le=1)
    ] = 1
    care: Annotated[
        int, Meta(description="1: customers are counted, told and credited; 0 turns that off.", ge=0, le=1)
    ] = 1


class Tls(Section, frozen=True):
    certificate: Annotated[
        str, Meta(description="PEM file, the whole chain; '' is tls/certificate.pem in the data folder.")
    ] = ""
    key: Annotated[
        str, Meta(description="PEM file of the private key; '' is tls/key.pem in the data folder.")
    ] = ""
    plain_sign_in: Annotated[
        bool, Meta(description="Passwords may cross a connection without TLS: only to try things out.")
    ] = False


class Web(Section, frozen=True):
    account_url: Annotated[
        str, Meta(description="The self-service pages as customers reach them; '' is https://hostname:port.")
    ] = ""
    signup_url: Annotated[
        str, Meta(description="The sign-up pages as strangers reach them; '' is https://hostname:port.")
    ] = ""
    admin_url: Annotated[
        str, Meta(description="Administration as administrators reach it; '' is https://hostname:port.")
    ] = ""
    jmap_url: Annotated[str, Meta(description="JMAP as programs reach it; '' is https://hostname:port.")] = ""
    webmail_url: Annotated[
        str, Meta(description="The webmail as customers reach it; '' is https://hostname:port.")
    ] = ""
    care_url: Annotated[
        str, Meta(description="Where reports are taken, as customers reach it; '' is https://hostname:port.")
    ] = ""
    webmail_origins: Annotated[
        list[str],
        Meta(description="Where else the webmail's files are served: https://name; they may use JMAP, too."),
    ] = field(default_factory=list)
    status_url: Annotated[
        str,
        Meta(description="The status feed as the webmail reaches it; '' is /status/summary.json of its own."),
    ] = ""
    trusted_proxies: Annotated[
        list[str],
        Meta(description="Addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed."),
    ] = field(default_factory=list)
    admin_second_factor: Annotated[
        bool, Meta(description="Owners and domain admins need a second factor for the pages of admin.")
    ] = True
    session_s: Annotated[
        int, Meta(description="Seconds until a sign-in on a page is over.", ge=300, le=30 * 86_400)
    ] = 8 * 3600
    language: Annotated[
        Literal["en", "de"], Meta(description="Of pages, for who asks for none that there is.")
    ] = "en"
    time_zone: Annotated[
        str, Meta(description="Of times on pages, by its IANA name, for instance Europe/Berlin.")
    ] = "UTC"


class Dns(Section, frozen=True):
    servers: Annotated[
        list[str], Meta(description="Resolvers to ask, address:port; [] asks the system's.")
    ] = field(default_factory=list)
    addresses: Annotated[
        list[str],
        Meta(description="This machine's public addresses; [] takes those that its name has in the DNS."),
    ] = field(default_factory=list)
    mta_sts: Annotated[
        Literal["none", "testing", "enforce"],
        Meta(description="What others are told to do when TLS with us fails: deliver, report, or wait."),
    ] = "testing"


class Acme(Section, frozen=True):
    directory: Annotated[
        str,
        Meta(
            description="URL of a certificate authority; '' gets no certificates. Let's Encrypt's is "
            "https://acme-v02.api.letsencrypt.org/directory."
        ),
    ] = ""
    terms_agreed: Annotated[
        bool, Meta(description="You agree to the authority's terms of service; needed with `directory`.")
    ] = False
    contact: Annotated[str, Meta(description="Address the authority may write to; '' gives none.")] = ""
    names: Annotated[
        list[str], Meta(description="More names for the machine's certificate, besides its hostname.")
    ] = field(default_factory=list)
    domains: Annotated[
        bool,
        Meta(description="A certificate for mta-sts., autoconfig. and autodiscover. of each domain, too."),
    ] = True
    trust: Annotated[
        str, Meta(description="PEM file of who vouches for the authority's own server; '' is the system's.")
    ] = ""
    key_id: Annotated[str, Meta(description="Key of a contract with the authority; '' for none.")] = ""
    key_secret: Annotated[Secret, Meta(description="Its secret (base64url), as file:/path.")] = Secret("")


class Relay(Section, frozen=True):
    smarthost: Annotated[
        str, Meta(description="host:port that takes all mail to elsewhere; '' asks DNS for each domain's MX.")
    ] = ""
    user: Annotated[str, Meta(description="Name to sign in with at the smarthost; '' does not sign in.")] = ""
    password: Annotated[Secret, Meta(description="Its password, as file:/path.")] = Secret("")
    second: Annotated[
        str, Meta(description="host:port of a second one: a remedy turns to it while the first fails.")
    ] = ""
    second_user: Annotated[str, Meta(description="Name to sign in with there; '' does not sign in.")] = ""
    second_password: Annotated[Secret, Meta(description="Its password, as file:/path.")] = Secret("")
    tls: Annotated[
        Literal["none", "opportunistic", "required"],
        Meta(description="TLS towards other servers: never, when they offer it, or not without."),
    ] = "opportunistic"
    connections: Annotated[int, Meta(description="Connections at a time, all destinations.", ge=1)] = 50
    connections_per_destination: Annotated[
        int, Meta(description="Connections at a time to one host.", ge=1)
    ] = 5
    enabled: Annotated[bool, Meta(description="false holds all mail to elsewhere in the queue.")] = True


class Signup(Section, frozen=True):
    open: Annotated[list[str], Meta(description="Domains in which anybody may have an address.")] = field(
        default_factory=list
    )
    invitation: Annotated[
        list[str], Meta(description="Domains for who has an invitation; administration gives them out.")
    ] = field(default_factory=list)
    contract: Annotated[
        list[str], Meta(description="Domains for who has a contract, asked of `contract_url`.")
    ] = field(default_factory=list)
    contract_url: Annotated[
        str,
        Meta(description="Where contract numbers are checked: POST of JSON, see docs/operate/sign-up.md."),
    ] = ""
    contract_secret: Annotated[
        Secret, Meta(description="Sent there as `Authorization: Bearer`, as file:/path.")
    ] = Secret("")
    proof: Annotated[
        Literal["either", "phone", "address", "none"],
        Meta(description="What has to be proven by a code: a phone, a second address, one of both, nothing."),
    ] = "either"
    terms_url: Annotated[str, Meta(description="The rules people agree to; '' asks for no agreement.")] = ""
    privacy_url: Annotated[str, Meta(description="What is done with what people tell; '' shows none.")] = ""
    reserved: Annotated[
        list[str], Meta(description="Names nobody gets here, besides those every mail service keeps back.")
    ] = field(default_factory=list)
    disposable: Annotated[
        list[str], Meta(description="Domains of throw-away addresses: none of them is a second address.")
    ] = field(default_factory=list)
    name_least: Annotated[int, Meta(description="Fewest characters of a name.", ge=1, le=20)] = 3
    per_network_day: Annotated[
        int, Meta(description="Accounts made from one network (/24, /56) in a day.", ge=1)
    ] = 20
    per_contact_year: Annotated[
        int, Meta(description="Accounts made with one phone or second address in a year.", ge=1)
    ] = 3
    minimum_s: Annotated[
        float, Meta(description="A form that comes back sooner is looked at once more by who sent it.", ge=0)
    ] = 2.0


class Gateways(Section, frozen=True):
    sender: Annotated[str, Meta(description="Who messages of ours are from; '' is the host's name.")] = ""
    country: Annotated[
        str, Meta(description="Country code of phone numbers written without one, for instance 49.")
    ] = ""
    sms_url: Annotated[
        str,
        Meta(description="Text messages: URL of the gateway, with {phone}, {text}, {secret}; '' for none."),
    ] = ""
    sms_method: Annotated[Literal["POST", "PUT", "GET"], Meta(description="How it is asked.")] = "POST"
    sms_headers: Annotated[
        list[str], Meta(description="Lines `Name: value`; the Content-Type says how the body is quoted.")
    ] = field(default_factory=lambda: ["Content-Type: application/json"])
    sms_body: Annotated[str, Meta(description="Its body, with {phone}, {text} and {secret}.")] = (
        '{"to": "{phone}", "text": "{text}"}'
    )
    sms_secret: Annotated[Secret, Meta(description="What {secret} stands for, as file:/path.")] = Secret("")
    sms_expect: Annotated[
        str, Meta(description="A word its answer must contain, for a gateway that says 200 to everything.")
    ] = ""
    sms_countries: Annotated[
        list[str], Meta(description="Beginnings of numbers that are served, for instance +49; [] for all.")
    ] = field(default_factory=list)
    sms_per_day: Annotated[int, Meta(description="Most codes sent to phones in a day.", ge=0)] = 2000
    mail: Annotated[bool, Meta(description="Codes may go to second addresses.")] = True
    mail_from: Annotated[str, Meta(description="From of such mail; '' is no-reply@hostname.")] = ""
    mail_smarthost: Annotated[
        str, Meta(description="host:port that takes such mail while our own relay can't; '' for none.")
    ] = ""
    mail_user: Annotated[str, Meta(description="Name to sign in with there; '' does not sign in.")] = ""
    mail_password: Annotated[Secret, Meta(description="Its password, as file:/path.")] = Secret("")
    mail_tls: Annotated[Literal["none", "opportunistic", "required"], Meta(description="TLS towards it.")] = (
        "required"
    )
    mail_per_day: Annotated[int, Meta(description="Most codes sent to second addresses in a day.", ge=0)] = (
        5000
    )


class Metrics(Section, frozen=True):
    enabled: Annotated[bool, Meta(description="Each process counts what it does, for `/metrics`.")] = True


class Health(Section, frozen=True):
    account: Annotated[
        str,
        Meta(description="An account to try doors with: signed in to, written to by nobody; '' tries less."),
    ] = ""
    password: Annotated[Secret, Meta(description="Its password, as file:/path.")] = Secret("")


class Canary(Section, frozen=True):
    addresses: Annotated[
        list[str],
        Meta(description="Two, for canaries alone; [] is canary-1 and canary-2 in the first domain."),
    ] = field(default_factory=list)
    outside: Annotated[
        str,
        Meta(description="An address elsewhere that sends back what it gets to the first; '' for none."),
    ] = ""
    per_cell: Annotated[
        bool, Meta(description="One more for each cell, so that every cell is signed in to again and again.")
    ] = True


class Traces(Section, frozen=True):
    endpoint: Annotated[
        str,
        Meta(description="Where spans are sent by OTLP/HTTP: http://host:4318/v1/traces; '' makes none."),
    ] = ""
    share: Annotated[
        float, Meta(description="Of all messages, commands and pages, how many are traced.", ge=0, le=1)
    ] = 0.01


class Hook(Section, frozen=True):
    url: Annotated[str, Meta(description="Where events are sent to, by POST.")]
    secret: Annotated[Secret, Meta(description="What each event is signed with, as file:/path.")]
    events: Annotated[
        list[str],
        Meta(description="Which: `account.created`, or `account.` for all of a kind; empty for all."),
    ] = field(default_factory=list)


class Directory(Section, frozen=True):
    """A directory outside: people come from it (``ldap``, ``sql``), or sign in by it (``oidc``)."""

    kind: Annotated[Literal["ldap", "sql", "oidc"], Meta(description="What it is.")]
    url: Annotated[
        str,
        Meta(
            description="ldap, ldaps: `ldaps://host:port`, several with spaces between; sql: "
            "`postgresql://user@host/database` or `sqlite:/path`."
        ),
    ] = ""
    start_tls: Annotated[bool, Meta(description="ldap: TLS begins on the plain port; needed there.")] = True
    plain: Annotated[
        bool, Meta(description="ldap: passwords may cross the network without TLS: only to try things out.")
    ] = False
    trust: Annotated[
        str, Meta(description="PEM file of who vouches for its certificate; '' is the system's.")
    ] = ""
    user: Annotated[str, Meta(description="ldap: DN to read with; '' reads as nobody.")] = ""
    password: Annotated[Secret, Meta(description="Its password, or the database's, as file:/path.")] = Secret(
        ""
    )
    base: Annotated[str, Meta(description="ldap: DN below which its people are.")] = ""
    filter: Annotated[str, Meta(description="ldap: which entries are people.")] = (
        "(objectClass=inetOrgPerson)"
    )
    query: Annotated[str, Meta(description="sql: one SELECT that gives a row for each person.")] = ""
    id: Annotated[str, Meta(description="Attribute or column that never changes; '' is entryUUID or id.")] = (
        ""
    )
    address: Annotated[str, Meta(description="Of the address; '' is mail or address.")] = ""
    aliases: Annotated[str, Meta(description="Of more addresses; '' for none.")] = ""
    name: Annotated[str, Meta(description="Of the person's name; '' is cn or name.")] = ""
    disabled: Annotated[
        str, Meta(description="Of what disables: true, 1, yes, or one of `disabled_values`; '' for none.")
    ] = ""
    disabled_values: Annotated[list[str], Meta(description="What it says of who is disabled.")] = field(
        default_factory=list
    )
    password_hash: Annotated[
        str, Meta(description="sql: column of argon2id hashes; '' when passwords are kept here.")
    ] = ""
    interval_s: Annotated[int, Meta(description="Seconds between two looks at what changed.", ge=1)] = 300
    full_s: Annotated[int, Meta(description="Seconds between two looks at everybody.", ge=1)] = 3600
    keep_days: Annotated[
        int,
        Meta(description="For so long a password that was right signs in while it is out of reach.", ge=0),
    ] = 30
    password_url: Annotated[str, Meta(description="Page on which its people change their password.")] = ""
    issuer: Annotated[str, Meta(description="oidc: the provider, as its discovery document says it.")] = ""
    client_id: Annotated[str, Meta(description="oidc: our name there.")] = ""
    client_secret: Annotated[Secret, Meta(description="oidc: as file:/path; '' for none.")] = Secret("")
    scopes: Annotated[str, Meta(description="oidc: what is asked for.")] = "openid email"
    by_address: Annotated[
        bool,
        Meta(description="oidc: a verified address it names opens the account that has this address."),
    ] = False
    pages: Annotated[
        list[Literal["password", "admin"]], Meta(description="oidc: which pages have its button.")
    ] = field(default_factory=lambda: ["password"])
    title: Annotated[str, Meta(description="oidc: what the button calls it; '' is its name here.")] = ""


class Config(Section, frozen=True):
    """The whole file. Folders are as written; ``reading.load`` makes them absolute."""

    service: Service = field(default_factory=Service)
    volumes: dict[str, Volume] = field(default_factory=lambda: {"v1": Volume()})
    copies: dict[str, Copy] = field(default_factory=dict)
    listen: Listen = field(default_factory=Listen)
    workers: Workers = field(default_factory=Workers)
    tls: Tls = field(default_factory=Tls)
    limits: Limits = field(default_factory=Limits)
    relay: Relay = field(default_factory=Relay)
    web: Web = field(default_factory=Web)
    dns: Dns = field(default_factory=Dns)
    acme: Acme = field(default_factory=Acme)
    signup: Signup = field(default_factory=Signup)
    gateways: Gateways = field(default_factory=Gateways)
    hooks: dict[str, Hook] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=Metrics)
    health: Health = field(default_factory=Health)
    canary: Canary = field(default_factory=Canary)
    watch: Watch = field(default_factory=Watch)
    vantages: dict[str, Vantage] = field(default_factory=dict)
    remedies: Remedies = field(default_factory=Remedies)
    console: Console = field(default_factory=Console)
    traces: Traces = field(default_factory=Traces)
    notices: Notices = field(default_factory=Notices)
    channels: dict[str, Channel] = field(default_factory=dict)
    care: Care = field(default_factory=Care)
    credits: dict[str, CreditRule] = field(default_factory=dict)
    status: Status = field(default_factory=Status)
    brands: dict[str, StatusBrand] = field(default_factory=dict)
    reports: Reports = field(default_factory=Reports)
    publish: dict[str, Publish] = field(default_factory=dict)
    directories: dict[str, Directory] = field(default_factory=dict)

    @property
    def data(self) -> str:
        return self.service.data

    @property
    def run_folder(self) -> str:
        return self.service.run or os.path.join(self.service.data, "run")

    @property
    def certificate(self) -> str:
        return self.tls.certificate or os.path.join(self.service.data, "tls", "certificate.pem")

    @property
    def key(self) -> str:
        return self.tls.key or os.path.join(self.service.data, "tls", "key.pem")

    def volume_folder(self, name: str) -> str:
        """``people``: the folder of the people ledger, which ``[copies]`` name as they name a volume."""
        if name == PEOPLE:
            return self.service.data
        return self.volumes[name].folder or os.path.join(self.service.data, "volumes", name)

    def copies_of(self, volume: str, mode: str) -> tuple[str, ...]:
        """Folders of the volume's copies in one mode, ``synchronous`` or ``trailing``, by name."""
        named = sorted(self.copies.items())
        return tuple(copy.folder for _, copy in named if copy.volume == volume and copy.mode == mode)

    @property
    def control_socket(self) -> str:
        return os.path.join(self.run_folder, "ctl.sock")

    @property
    def pid_file(self) -> str:
        return os.path.join(self.run_folder, "holdfast.pid")


SECTIONS: dict[str, str] = {
    "service": "The machine and where things lie.",
    "volumes": "Disks with packs, by name: `[volumes.v1]`. Accounts are placed on them by cell.",
    "copies": "Second copies of a volume's packs, by name: `[copies.second]`.",
    "listen": "Where each function listens; an empty list turns that door off.",
    "workers": "How many processes serve each function.",
    "tls": "Certificate and key.",
    "limits": "Sizes, times and counts; everything else is in `model/limits.py` and not to be set.",
    "relay": "Mail to elsewhere.",
    "web": "What all pages share.",
    "dns": "Names: where they are asked for, and what is published of this machine.",
    "acme": "Certificates from an authority, got and renewed by the process `setup`.",
    "signup": "Who may make an account by himself, and what is asked of him (docs/operate/sign-up.md).",
    "hooks": "Programs of yours that are told what changes among people, by name: `[hooks.crm]`.",
    "directories": "People kept elsewhere, by name: `[directories.staff]` (docs/operate/directories.md).",
    "metrics": "Counts of what each process does (docs/operate/monitoring.md).",
    "health": "Trying each function through its own doors.",
    "canary": "Using each function as customers do (docs/operate/canaries.md).",
    "watch": "Trying all of it, again and again (docs/operate/watching.md).",
    "vantages": "Who tries the public doors from elsewhere, by name: `[vantages.east]` "
    "(docs/operate/vantage.md).",
    "console": "The operator's console, at the door of reports (docs/operate/console.md).",
    "remedies": "What is done about a fault by itself, and within which bounds (docs/operate/remedies.md).",
    "traces": "Spans for OpenTelemetry; needs the extra `otel`.",
    "notices": "Telling customers, on channels that need none of our mail (docs/operate/notices.md).",
    "channels": "Further ways to customers, by name: `[channels.second]`.",
    "reports": "Reports to authorities and after an incident (docs/operate/reports.md).",
    "care": "What contracts cost, and when what is owed is credited (docs/operate/credits.md).",
    "credits": "What is owed for an outage, rules by name: `[credits.daily]` (docs/operate/credits.md).",
    "status": "The status page (docs/operate/caring.md).",
    "brands": "Status pages of tenants, by their folder: `[brands.acme]` (docs/operate/status-page.md).",
    "publish": "Where else the status page goes, by name: `[publish.elsewhere]` (docs/operate/caring.md).",
    "gateways": "How a person is reached who can't read mail here: text messages, and mail to elsewhere.",
}

# Limits are words of the model and carry no descriptions there.
LIMIT_MEANINGS: dict[str, str] = {
    "message_bytes": "Largest message accepted, bytes.",
    "recipients": "Recipients of one transaction.",
    "inflight_bytes": "Message bytes one process may hold at a time.",
    "connections": "Connections per process.",
    "connections_per_address": "Connections per client address and process.",
    "smtp_idle_s": "Seconds an SMTP client may be silent.",
    "smtp_errors": "Bad commands before the connection ends with 421.",
    "imap_idle_s": "Seconds a signed-in IMAP client may be silent.",
    "imap_unauthenticated_s": "Seconds an IMAP client has to sign in.",
    "imap_literal_bytes": "Largest message of APPEND, bytes.",
    "pop3_idle_s": "Seconds a POP3 client may be silent.",
    "sign_in_failures": "Wrong passwords before the connection ends.",
    "mailboxes": "Mailboxes per account.",
    "undelete_s": "Seconds a removed message is listed and can be brought back.",
    "queue_life_s": "Seconds the relay keeps trying before it bounces.",
    "retry_first_s": "Seconds until the relay's second try.",
    "retry_longest_s": "Longest pause between two tries, seconds.",
}
