"""LDAP (RFC 4511) by ldap3, which is optional: ``pip install holdfast[ldap]``.

ldap3 blocks and has sockets of its own; so it is called in threads made for it, with times that end.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.directory.sources.person import (
    Found,
    NotThere,
    Person,
    component,
    is_disabled,
    plain_addresses,
)
from holdfast.model.errors import Unavailable
from holdfast.model.limits import SOURCE_ANSWER_S, SOURCE_CONNECT_S, SOURCE_PAGE

if TYPE_CHECKING:
    import ldap3

PAGED = "1.2.840.113556.1.4.319"  # RFC 2696
CHANGED = "modifyTimestamp"  # RFC 4512 §3.4.2
HEX = "hex:"  # before ids that are no text, as objectGUID

SUCCESS = 0
NO = (19, 48, 49, 50, 53)  # RFC 4511 A.1: the directory lets this person not in; all else is trouble


class LdapSettings(NamedTuple):
    """``urls``: asked in this order until one answers. ``trust``: a PEM file, '' for the system's."""

    name: str
    urls: tuple[str, ...]
    base: str
    filter: str
    user: str = ""
    password: Callable[[], str] = str
    start_tls: bool = True
    trust: str = ""
    id: str = "entryUUID"
    address: str = "mail"
    aliases: str = ""
    person_name: str = "cn"
    disabled: str = ""
    disabled_values: tuple[str, ...] = ()


class LdapSource:
    checks_passwords = True

    def __init__(self, settings: LdapSettings) -> None:
        self.name = settings.name
        self._settings = settings
        wanted = (settings.id, settings.address, settings.aliases, settings.person_name, settings.disabled)
        self._attributes = [*dict.fromkeys(each for each in wanted if each), CHANGED]

    def read_all(self) -> Found:
        return self._read(self._settings.filter)

    def read_changed(self, mark: str) -> Found | None:
        """Who left is not among them: only ``read_all`` can tell."""
        return self._read(f"(&{self._settings.filter}({CHANGED}>={mark}))") if mark else None

    def _read(self, filter: str) -> Found:
        found: list[Person] = []
        mark, nameless = "", 0
        with self._trouble(), self._connected() as connection:
            for entry in self._search(connection, filter, self._attributes):
                mark = max(mark, _first(entry, CHANGED))
                person = self._person(entry)
                if person is None:
                    nameless += 1
                else:
                    found.append(person)
        return Found(found, mark, nameless)

    def password_right(self, id: str, password: str) -> bool:
        if not password:  # RFC 4513 §5.1.2: a bind without one is nobody's, and succeeds
            return False
        with self._trouble(), self._connected() as connection:
            wanted = f"(&{self._settings.filter}({self._settings.id}={_in_filter(id)}))"
            entries = list(self._search(connection, wanted, [self._settings.id]))
            if len(entries) != 1:
                raise NotThere(component(self.name), f"has {len(entries)} entries for this person")
            import ldap3

            right = connection.rebind(
                user=str(entries[0]["dn"]), password=password, authentication=ldap3.SIMPLE
            )
            code = int(connection.result["result"])
            if not right and code not in NO:
                raise self._unavailable(f"answered a sign-in with {connection.result['description']}")
            return bool(right)

    # Within

    @contextlib.contextmanager
    def _connected(self) -> Iterator[ldap3.Connection]:
        """Signed in to read, at the first of the servers that is there."""
        trouble: Exception | None = None
        for url in self._settings.urls:
            try:
                connection = self._connect(url)
            except Exception as error:  # whatever ldap3, ssl or the system calls it
                trouble = error
                continue
            try:
                yield connection
            finally:
                with contextlib.suppress(Exception):
                    connection.unbind()
            return
        raise trouble or self._unavailable("has no URL")

    def _connect(self, url: str) -> ldap3.Connection:
        import ldap3

        settings = self._settings
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=settings.trust or None)
        server = ldap3.Server(url, get_info=ldap3.NONE, connect_timeout=SOURCE_CONNECT_S, tls=tls)
        connection = ldap3.Connection(
            server,
            user=settings.user or None,
            password=settings.password() if settings.user else None,
            authentication=ldap3.SIMPLE if settings.user else ldap3.ANONYMOUS,
            receive_timeout=SOURCE_ANSWER_S,
            auto_referrals=False,
            check_names=False,
            raise_exceptions=False,
        )
        try:
            connection.open()
            if url.startswith("ldap://") and settings.start_tls and not connection.start_tls():
                raise self._unavailable("begins no TLS")
            if not connection.bind():
                raise self._unavailable(f"lets us not read: {connection.result['description']}")
        except BaseException:
            with contextlib.suppress(Exception):
                connection.unbind()
            raise
        return connection

    def _search(
        self, connection: ldap3.Connection, filter: str, attributes: list[str]
    ) -> Iterator[dict[str, Any]]:
        """Page by page; anything but success is trouble: a part of a directory is never taken for it all."""
        cookie: bytes | None = None
        while True:
            connection.search(
                self._settings.base,
                filter,
                attributes=attributes,
                paged_size=SOURCE_PAGE,
                paged_cookie=cookie,
            )
            result = connection.result
            if int(result["result"]) != SUCCESS:
                raise self._unavailable(f"answered {result['description']} {result['message']}".strip())
            for each in connection.response or []:
                if each["type"] == "searchResEntry":
                    yield each
            controls = result.get("controls") or {}
            cookie = controls.get(PAGED, {}).get("value", {}).get("cookie")
            if not cookie:
                return

    def _person(self, entry: dict[str, Any]) -> Person | None:
        settings = self._settings
        raw = _values(entry, settings.id)
        if not raw:
            return None
        addresses = plain_addresses(_texts(entry, settings.address))
        more = plain_addresses(_texts(entry, settings.aliases)) if settings.aliases else []
        disabled = bool(settings.disabled) and any(
            is_disabled(each, settings.disabled_values) for each in _texts(entry, settings.disabled)
        )
        aliases = dict.fromkeys([*addresses[1:], *more])
        address = addresses[0] if addresses else ""
        return Person(
            id=_id(raw[0]),
            address=address,
            aliases=tuple(each for each in aliases if each != address),
            name=_first(entry, settings.person_name) if settings.person_name else "",
            disabled=disabled,
        )

    def _unavailable(self, text: str) -> Unavailable:
        return Unavailable(component(self.name), text)

    @contextlib.contextmanager
    def _trouble(self) -> Iterator[None]:
        """SOURCE-1: whatever goes wrong is trouble of the directory's, and says nothing of its people."""
        try:
            yield
        except Unavailable:
            raise
        except ImportError as error:
            text = "needs the package ldap3: pip install 'holdfast[ldap]'"
            raise self._unavailable(text) from error
        except Exception as error:
            raise self._unavailable(f"{type(error).__name__}: {error}") from error


def _values(entry: dict[str, Any], attribute: str) -> list[bytes]:
    """RFC 4512 §2.5: names of attributes are the same in any case."""
    for name, values in entry["raw_attributes"].items():
        if name.lower() == attribute.lower():
            return list(values)
    return []


def _texts(entry: dict[str, Any], attribute: str) -> list[str]:
    return [value.decode("utf-8", "replace") for value in _values(entry, attribute)]


def _first(entry: dict[str, Any], attribute: str) -> str:
    return next(iter(_texts(entry, attribute)), "")


def _id(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return HEX + raw.hex()
    return text if text.isprintable() else HEX + raw.hex()


def _in_filter(id: str) -> str:
    """RFC 4515 §3: every octet escaped, so that nothing of it is taken for more than itself."""
    raw = bytes.fromhex(id.removeprefix(HEX)) if id.startswith(HEX) else id.encode()
    return "".join(f"\\{octet:02x}" for octet in raw)
