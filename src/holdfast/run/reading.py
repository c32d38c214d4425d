"""Reads the configuration: TOML, then the environment, then checks that name the place and the remedy."""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import os
import os.path
import re
import tomllib
import urllib.parse
import zoneinfo
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import msgspec

from holdfast.model.errors import Reason, Refused
from holdfast.model.ledgers import PEOPLE
from holdfast.run import crediting
from holdfast.run.config import Config, Relay, Web
from holdfast.run.sections import Secret

DEFAULT_PATH = "/etc/holdfast/holdfast.toml"
PATH_VARIABLE = "HOLDFAST_CONFIG"
PREFIX = "HOLDFAST_"


def find(given: str | None, environ: Mapping[str, str]) -> str:
    """The file to read: the one given, else ``$HOLDFAST_CONFIG``, else the default place."""
    return given or environ.get(PATH_VARIABLE) or DEFAULT_PATH


def load(path: str, environ: Mapping[str, str]) -> Config:
    """Reads and checks it all. Raises ``Refused(BAD_SYNTAX)`` whose text has one line for each mistake."""
    try:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8")
    except FileNotFoundError:
        raise Refused(
            Reason.BAD_SYNTAX, f"{path}: no such file; `holdfast init` writes one, --config names another."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(Reason.BAD_SYNTAX, f"{path}: can't be read: {error}") from error
    return parse(text, path, environ)


def digest(config: Config) -> str:
    """The same for configurations that say the same, however they are written."""
    return hashlib.sha256(msgspec.json.encode(config, enc_hook=str)).hexdigest()[:16]


def parse(text: str, path: str, environ: Mapping[str, str]) -> Config:
    """``text`` as the file ``path`` would have it; relative folders are taken from that file's folder."""
    try:
        tree: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(Reason.BAD_SYNTAX, f"{path}: not TOML: {error}") from None
    mistakes = [f"{path}: {line}" for line in _unknown(tree, Config, "")]
    from_environment, wrong = overrides(environ)
    mistakes += wrong
    mistakes += [f"environment: {line}" for line in _unknown(from_environment, Config, "")]
    if mistakes:
        raise Refused(Reason.BAD_SYNTAX, "\n".join(mistakes))
    _merge(tree, from_environment)
    try:
        config = msgspec.convert(tree, Config, dec_hook=as_secret)
    except msgspec.ValidationError as error:
        raise Refused(Reason.BAD_SYNTAX, f"{path}: {_where(str(error))}") from None
    config = _absolute(config, os.path.dirname(os.path.abspath(path)))
    mistakes = [f"{path}: {line}" for line in _contradictions(config)]
    if mistakes:
        raise Refused(Reason.BAD_SYNTAX, "\n".join(mistakes))
    return config


def overrides(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """``HOLDFAST_LISTEN__MX='[":25"]'`` → ``{'listen': {'mx': [':25']}}``; values are TOML, or else text."""
    tree: dict[str, Any] = {}
    mistakes: list[str] = []
    for name, value in sorted(environ.items()):
        if not name.startswith(PREFIX) or "__" not in name:
            continue
        *folders, last = name.removeprefix(PREFIX).lower().split("__")
        at = tree
        for folder in folders:
            at = at.setdefault(folder, {})
        if not last or not all(folders):
            mistakes.append(f"environment: {name}: expected {PREFIX}SECTION__KEY")
            continue
        at[last] = _toml_value(value)
    return tree, mistakes


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _merge(tree: dict[str, Any], over: dict[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            _merge(tree[key], value)
        else:
            tree[key] = value


def _unknown(tree: Any, shape: Any, place: str) -> list[str]:
    """One line for each key that no struct has, with the nearest one that there is."""
    if not isinstance(tree, dict):
        return []  # a wrong type is the converter's to report
    if get_origin(shape) is dict:
        inner = get_args(shape)[1]
        return [line for key, value in tree.items() for line in _unknown(value, inner, _join(place, key))]
    if not (isinstance(shape, type) and issubclass(shape, msgspec.Struct)):
        return []
    known = {item.name: item.type for item in msgspec.structs.fields(shape)}
    found: list[str] = []
    for key, value in tree.items():
        if key in known:
            found += _unknown(value, known[key], _join(place, key))
            continue
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        advice = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(sorted(known))}"
        found.append(f"{_join(place, key)}: unknown key; {advice}")
    return found


def _join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def as_secret(kind: type, value: Any) -> Any:
    """What msgspec makes of a secret. Raises ``ValueError`` for one that is written out."""
    if kind is Secret:
        if not isinstance(value, str) or (value and not value.startswith("file:")):
            raise ValueError("secrets are not written here: put it into a file and give 'file:/path/to/it'")
        return Secret(value)
    raise NotImplementedError(kind)


def _where(message: str) -> str:
    """``Expected `int`, got `str` - at `$.limits.recipients` `` → the place first."""
    what, found, place = message.rpartition(" - at `")
    return f"{place.rstrip('`').removeprefix('$.')}: {what}" if found else message


def _absolute(config: Config, folder: str) -> Config:
    def full(path: str) -> str:
        return os.path.normpath(os.path.join(folder, path)) if path else ""

    def full_secret(secret: Secret) -> Secret:
        return Secret("file:" + full(secret.removeprefix("file:"))) if secret else secret

    replace = msgspec.structs.replace
    return replace(
        config,
        service=replace(
            config.service,
            data=full(config.service.data),
            run=full(config.service.run),
            journal=full(config.service.journal),
        ),
        volumes={
            name: replace(volume, folder=full(volume.folder)) for name, volume in config.volumes.items()
        },
        copies={name: replace(copy, folder=full(copy.folder)) for name, copy in config.copies.items()},
        tls=replace(config.tls, certificate=full(config.tls.certificate), key=full(config.tls.key)),
        relay=replace(
            config.relay,
            password=full_secret(config.relay.password),
            second_password=full_secret(config.relay.second_password),
        ),
        acme=replace(
            config.acme, trust=full(config.acme.trust), key_secret=full_secret(config.acme.key_secret)
        ),
        hooks={
            name: replace(hook, secret=Secret("file:" + full(hook.secret.removeprefix("file:"))))
            for name, hook in config.hooks.items()
        },
        care=replace(config.care, fees=full(config.care.fees)),
        status=replace(
            config.status, folder=full(config.status.folder), maintenance=full(config.status.maintenance)
        ),
        publish={
            name: replace(
                each,
                to=each.to if "://" in each.to else full(each.to),
                key=full(each.key),
                known_hosts=full(each.known_hosts),
                secret_key=full_secret(each.secret_key),
            )
            for name, each in config.publish.items()
        },
        vantages={name: replace(each, key=full_secret(each.key)) for name, each in config.vantages.items()},
        notices=replace(config.notices, alarms=full_secret(config.notices.alarms)),
        channels={
            name: replace(each, secret=full_secret(each.secret)) for name, each in config.channels.items()
        },
        directories={
            name: replace(
                each,
                trust=full(each.trust),
                password=full_secret(each.password),
                client_secret=full_secret(each.client_secret),
            )
            for name, each in config.directories.items()
        },
    )


def _contradictions(config: Config) -> list[str]:
    """What each key allows by itself, but not together."""
    found: list[str] = []
    if not config.service.data:
        found.append("service.data: must name a folder")
    if not config.volumes:
        found.append("volumes: at least one is needed, for instance [volumes.v1]")
    if PEOPLE in config.volumes:
        found.append(f"volumes.{PEOPLE}: is what copies call the ledger of people; name it otherwise")
    for name, copy in config.copies.items():
        if copy.volume not in (*config.volumes, PEOPLE):
            there = ", ".join([*config.volumes, PEOPLE])
            found.append(f"copies.{name}.volume: no volume '{copy.volume}'; there are: {there}")
        elif copy.folder == config.volume_folder(copy.volume):
            found.append(f"copies.{name}.folder: is the volume's own folder; a copy belongs on another disk")
    seen: dict[str, str] = {}
    for door in msgspec.structs.fields(type(config.listen)):
        for listener in getattr(config.listen, door.name):
            found += _check_listener(f"listen.{door.name}", listener)
            if listener in seen and not listener.endswith(":0"):
                found.append(f"listen.{door.name}: {listener} is taken by {seen[listener]}")
            seen[listener] = f"listen.{door.name}"
    found += _check_names(config)
    found += _check_hooks(config)
    found += _check_web(config.web)
    found += _check_directories(config)
    found += crediting.mistakes(config)
    found += _check_publish(config)
    found += _check_brands(config)
    found += _check_ways(config)
    found += _check_vantages(config)
    found += _check_relay(config.relay)
    found += _check_networks("console.networks", config.console.networks)
    return found


def _check_relay(relay: Relay) -> list[str]:
    found: list[str] = []
    ways = (
        ("smarthost", relay.smarthost, "", relay.user, relay.password),
        ("second", relay.second, "second_", relay.second_user, relay.second_password),
    )
    for name, host, prefix, user, password in ways:
        if host:
            found += _check_listener(f"relay.{name}", host)
        if user and relay.tls != "required":
            found.append(
                f'relay.tls: must be "required" with relay.{prefix}user: else the password may go to anybody'
            )
        if user and not password:
            found.append(f"relay.{prefix}password: needed with relay.{prefix}user, as file:/path")
    if relay.second and not relay.smarthost:
        found.append("relay.second: stands in for relay.smarthost, and there is none")
    return found


def _check_names(config: Config) -> list[str]:
    """Of the sections dns and acme."""
    found: list[str] = []
    for server in config.dns.servers:
        found += _check_listener("dns.servers", server)
    for address in config.dns.addresses:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            found.append(f"dns.addresses: '{address}' is no address")
    acme = config.acme
    if acme.directory and not acme.terms_agreed:
        found.append("acme.terms_agreed: set it to true once you have read the authority's terms of service")
    if acme.key_id and not acme.key_secret:
        found.append("acme.key_secret: needed with acme.key_id, as file:/path")
    return found


def _check_networks(key: str, networks: list[str]) -> list[str]:
    found: list[str] = []
    for network in networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            found.append(f"{key}: '{network}' is neither an address nor a network")
    return found


def _check_web(web: Web) -> list[str]:
    found = _check_networks("web.trusted_proxies", web.trusted_proxies)
    try:
        zoneinfo.ZoneInfo(web.time_zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        found.append(f"web.time_zone: '{web.time_zone}' is none; expected one like Europe/Berlin")
    for name in ("account_url", "signup_url", "admin_url", "jmap_url", "webmail_url"):
        url = getattr(web, name)
        if url and not _is_origin(url):
            found.append(f"web.{name}: '{url}' is not https://name or https://name:port")
    for url in web.webmail_origins:
        if not _is_origin(url):
            found.append(f"web.webmail_origins: '{url}' is not https://name or https://name:port")
    if web.status_url and not web.status_url.startswith(("https://", "http://")):
        found.append(f"web.status_url: '{web.status_url}' is no http or https address")
    return found


def _is_origin(url: str) -> bool:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.path.strip("/")


def _check_url(key: str, url: str) -> list[str]:
    return [] if url.startswith(("https://", "http://")) else [f"{key}: '{url}' is no http or https address"]


def _check_secret(key: str, secret: str) -> list[str]:
    return [f"{key}: needed, as file:/path"] if secret in ("", "file:") else []


def _check_hooks(config: Config) -> list[str]:
    found: list[str] = []
    for name, hook in config.hooks.items():
        if not _is_plain(name):
            found.append(f"hooks.{name}: a hook's name has letters, digits, - and _")
        found += _check_url(f"hooks.{name}.url", hook.url)
        found += _check_secret(f"hooks.{name}.secret", hook.secret)
    return found


def _check_ways(config: Config) -> list[str]:
    """To customers: sections notices and channels."""
    found: list[str] = []
    ways = ["sms"] * bool(config.gateways.sms_url) + ["mail"] * bool(config.gateways.mail_smarthost)
    ways += [name for name, each in config.channels.items() if each.kind == "sms"]
    for name in config.notices.order:
        if name not in ways:
            found.append(f"notices.order: '{name}' is no way to a customer; there are: {', '.join(ways)}")
    for name, each in config.channels.items():
        if name in ("sms", "mail", "letter") or name.startswith("alarm-") or not _is_plain(name):
            found.append(f"channels.{name}: name it otherwise, with letters, digits, - and _")
        found += _check_url(f"channels.{name}.url", each.url)
    return found


def _check_vantages(config: Config) -> list[str]:
    found: list[str] = []
    doors = [each.name for each in msgspec.structs.fields(type(config.listen))]
    for name, each in config.vantages.items():
        if not _is_plain(name):
            found.append(f"vantages.{name}: a vantage point's name has letters, digits, - and _")
        found += _check_url(f"vantages.{name}.url", each.url)
        found += _check_secret(f"vantages.{name}.key", each.key)
        for door in each.doors:
            if door not in doors:
                found.append(f"vantages.{name}.doors: '{door}' is no door; see [listen]")
            elif not getattr(config.listen, door):
                found.append(f"vantages.{name}.doors: listen.{door} is turned off")
    return found


def _is_plain(name: str) -> bool:
    return name.replace("-", "").replace("_", "").isalnum()


def _check_publish(config: Config) -> list[str]:
    found: list[str] = []
    for name, each in config.publish.items():
        parts = urllib.parse.urlsplit(each.to)
        if parts.scheme not in ("", "sftp", "s3") or (parts.scheme and not parts.hostname):
            what = f"'{each.to}' is no folder, no sftp://user@host/folder and no s3://bucket/prefix"
            found.append(f"publish.{name}.to: {what}")
        if each.access_key and not each.secret_key:
            found.append(f"publish.{name}.secret_key: needed with access_key, as file:/path")
    return found


def _check_brands(config: Config) -> list[str]:
    found: list[str] = []
    of: dict[int, str] = {}
    for name, each in config.brands.items():
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name) or name.startswith("tenant-"):
            found.append(f"brands.{name}: is a part of an address: a-z, 0-9 and - alone, and not tenant-…")
        if each.tenant in of:
            found.append(f"brands.{name}.tenant: {each.tenant} is brands.{of[each.tenant]}")
        of.setdefault(each.tenant, name)
    return found


_DIRECTORY_NEEDS = {
    "ldap": ("url", "base"),
    "sql": ("url", "query"),
    "oidc": ("issuer", "client_id"),
}
_DIRECTORY_URLS = {
    "ldap": ("ldap://", "ldaps://"),
    "sql": ("postgresql://", "postgres://", "sqlite:/"),
}


def _check_directories(config: Config) -> list[str]:
    found: list[str] = []
    for name, each in config.directories.items():
        place = f"directories.{name}"
        if not name.replace("-", "").replace("_", "").isalnum():
            found.append(f"{place}: a directory's name has letters, digits, - and _")
        for key in _DIRECTORY_NEEDS[each.kind]:
            if not getattr(each, key):
                found.append(f"{place}.{key}: needed for kind {each.kind}")
        kinds = _DIRECTORY_URLS.get(each.kind, ())
        for url in each.url.split():
            if kinds and not url.startswith(kinds):
                found.append(f"{place}.url: '{url}' begins with none of {', '.join(kinds)}")
            if url.startswith("ldap://") and not each.start_tls and not each.plain:
                found.append(f"{place}.start_tls: passwords would cross the network in the clear")
        if each.kind == "ldap" and each.user and not each.password:
            found.append(f"{place}.password: needed with user, as file:/path")
        if each.kind == "oidc" and not each.issuer.startswith(
            ("https://", "http://localhost", "http://127.")
        ):
            found.append(f"{place}.issuer: must begin with https://")
        if each.password_url and not each.password_url.startswith(("https://", "http://")):
            found.append(f"{place}.password_url: '{each.password_url}' is no http or https address")
    return found


def _check_listener(place: str, text: str) -> list[str]:
    try:
        split_address(text)
    except Refused as refused:
        return [f"{place}: {refused.text}"]
    return []


def split_address(text: str) -> tuple[str, int]:
    """``127.0.0.1:25``, ``[::1]:25``, ``:25`` → host ('' is every interface) and port. Raises ``Refused``."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise Refused(Reason.BAD_SYNTAX, f"'{text}' is not host:port")
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], int(port)
    if ":" in host:
        raise Refused(Reason.BAD_SYNTAX, f"'{text}': a v6 address stands in brackets: [{host}]:{port}")
    return host, int(port)
