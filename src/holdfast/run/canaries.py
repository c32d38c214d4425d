"""The canaries of this machine: their accounts and what they know, and the doors they use."""

from __future__ import annotations

import contextlib
import os.path
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from holdfast.model import canary_pass
from holdfast.model.errors import Reason, Refused
from holdfast.model.findings import Finding
from holdfast.model.functions import FUNCTIONS
from holdfast.model.people import CANARY
from holdfast.run import keys, layout
from holdfast.run.config import Config
from holdfast.run.health import targets
from holdfast.run.trials import PAGES
from holdfast.watch.canaries.ground import Ground
from holdfast.watch.canaries.leftovers import Left, Leftovers
from holdfast.watch.canaries.returns import Returns
from holdfast.watch.canaries.running import OUTSIDE, run_canaries, trials_of
from holdfast.watch.canaries.words import Account, Doors, Joining, Result, Site
from holdfast.watch.clients import Target
from holdfast.world import World

if TYPE_CHECKING:
    from holdfast.directory.operations import Operations

_MAIL = ("mx", "submission", "imap", "pop3")
_PASSWORD_LETTERS = 24


class _Known(msgspec.Struct, frozen=True):
    """``accounts``: the two that all canaries use, then those for further cells. ``last``: the number of the
    last one that was made for a cell."""

    accounts: list[Account]
    last: int = 2


class Memory(NamedTuple):
    """See ``Ground``."""

    stood: dict[str, str]
    returns: Returns


# What they know


async def set_up(world: World, config: Config, people: Operations, *, anew: bool = True) -> list[str]:
    """Makes the two accounts that canaries use, or what they lack. Returns the addresses of all.

    ``anew``: these two get new passwords, and no more is made; else they are left alone where they are known,
    and accounts for further cells are made. Raises ``Refused`` for an address that is somebody's.
    """
    addresses = config.canary.addresses or await _own_addresses(people)
    if len(set(addresses)) != 2:
        raise Refused(Reason.BAD_SYNTAX, "[canary] addresses: two, and not the same")
    world.disk.make_folder(layout.watch_folder(config))
    known = _kept(world, config) or _Known([])
    if anew or [each.address for each in known.accounts[:2]] != addresses:
        both = [await _account(world, people, each) for each in addresses]
        known = _Known([*both, *known.accounts[2:]], known.last)
        _save(world, _path(config), known)
    while not anew and not _complete(known, config):
        known = await _one_more(world, config, people, known)
        _save(world, _path(config), known)
    return [each.address for each in known.accounts]


async def _one_more(world: World, config: Config, people: Operations, known: _Known) -> _Known:
    """It lies where there is most room; where that is a cell that has one, it isn't needed."""
    number, domain = known.last + 1, known.accounts[0].address.rpartition("@")[2]
    made = await _account(world, people, f"canary-{number}@{domain}")
    more = [] if made.cell in {each.cell for each in known.accounts} else [made]
    return _Known([*known.accounts, *more], number)


def _complete(known: _Known, config: Config) -> bool:
    cells = config.service.cells
    there = {each.cell for each in known.accounts}
    return not config.canary.per_cell or len(there) >= cells or known.last >= 2 * cells


def complete(world: World, config: Config) -> bool:
    """Whether there are all that are wanted, as far as we know."""
    known = _kept(world, config)
    wanted = config.canary.addresses
    return (
        known is not None
        and (not wanted or [each.address for each in known.accounts[:2]] == wanted)
        and _complete(known, config)
    )


async def _own_addresses(people: Operations) -> list[str]:
    found = [each for each in await people.domains() if not each.removed_at]
    if not found:
        raise Refused(Reason.NO_SUCH_DOMAIN, "there is no domain yet: `holdfast domain add`")
    return [f"canary-{number}@{found[0].name}" for number in (1, 2)]


async def _account(world: World, people: Operations, address: str) -> Account:
    from holdfast.directory.app_passwords import new_app_password

    password, other = (world.entropy.token(_PASSWORD_LETTERS) for _ in range(2))
    made = await people.account_add(
        address, name="Canary", password=password, external_id=CANARY, keep_existing=True
    )
    if made.external_id != CANARY:
        raise Refused(Reason.EXISTS, f"{address} is somebody's: name two others in [canary] addresses")
    await people.password_set(made.id, password=password)
    for old in await people.app_passwords(made.id):
        await people.app_password_rm(made.id, old.id)
    app = new_app_password(world)
    await people.app_password_add(made.id, "canary", app)
    return Account(address, password, other, app, made.cell)


def accounts(world: World, config: Config) -> Sequence[Account]:
    """The two that canaries use, then those for further cells; none where there are none that can be read."""
    known = _kept(world, config)
    return known.accounts if known is not None else ()


def cells_of(accounts: Sequence[Account]) -> tuple[int, int] | None:
    """Of the two that canaries use; None without them."""
    found = [each.cell for each in accounts[:2] if each.cell is not None]
    return (found[0], found[1]) if len(found) == 2 else None


def cells(world: World, config: Config) -> tuple[int, int] | None:
    """Of the two that there are; None without them."""
    return cells_of(accounts(world, config))


def _kept(world: World, config: Config) -> _Known | None:
    try:
        return _known(world, config)
    except Refused:
        return None


def _known(world: World, config: Config) -> _Known:
    """Raises ``Refused`` when there are none."""
    try:
        return msgspec.json.decode(world.disk.read(_path(config)), type=_Known)
    except FileNotFoundError:
        raise Refused(Reason.NO_SUCH_USER, "there are no canaries yet: `holdfast canary setup`") from None
    except (OSError, msgspec.MsgspecError) as error:
        text = f"{_path(config)}: {error}; `holdfast canary setup` makes it anew"
        raise Refused(Reason.UNREADABLE, text) from None


def _leftovers(world: World, config: Config) -> Leftovers:
    """A file that can't be read is as none: `holdfast account list` shows what it named."""
    path = os.path.join(layout.watch_folder(config), "canary-left.json")
    found: list[Left] = []
    with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError):
        found = msgspec.json.decode(world.disk.read(path), type=list[Left])
    return Leftovers(found, lambda left: _save(world, path, list(left)))


def _path(config: Config) -> str:
    return os.path.join(layout.watch_folder(config), "canary.json")


def _save(world: World, path: str, what: object) -> None:
    world.disk.write_atomic(path, msgspec.json.encode(what))  # 0600


# Where they go


def doors(config: Config) -> Doors:
    """Of each role the door that begins in TLS, if it has one."""
    found = targets(config)
    best = {role: max(each, key=lambda target: target.in_tls) for role, each in found.items() if each}
    return Doors(
        {role: best[role] for role in _MAIL if role in best},
        {role: Site(_url(best[role]), best[role].tls) for role in PAGES if role in best},
    )


def _url(target: Target) -> str:
    """A name, not a number: cookies are kept by name."""
    assert isinstance(target.address, tuple)
    host, port = target.address
    if host in ("127.0.0.1", "::1"):
        host = "localhost"
    return f"{'https' if target.in_tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def joining(world: World, config: Config) -> Joining:
    signup = config.signup
    domains = [*signup.open, *signup.invitation, *signup.contract]
    if not domains:
        return Joining("", "nobody can sign up here: [signup] open, invitation, contract")

    def pass_of(address: str) -> str:
        return canary_pass.made(keys.key_of(config, canary_pass.KEY), address, world.clock.now())

    return Joining(domains[0].lower(), "", signup.minimum_s, pass_of)


async def run_once(world: World, config: Config, functions: Collection[str]) -> list[Result]:
    """All of these functions, or all there are. Raises what ``run_trials`` does."""
    strange = sorted(set(functions) - set(FUNCTIONS))
    if strange:
        raise Refused(Reason.BAD_NAME, f"no function {strange[0]}; there are: {', '.join(FUNCTIONS)}")
    wanted = trials_of(functions or FUNCTIONS, outside=bool(config.canary.outside))
    return await run_trials(world, config, wanted)


async def run_trials(
    world: World,
    config: Config,
    trials: Collection[str],
    memory: Memory | None = None,
    heard: Callable[[Finding], object] = lambda finding: None,
) -> list[Result]:
    """``memory``: what is kept from one run to the next. ``heard``: is told of each as soon as it has ended.

    Raises ``Refused`` without accounts, ``Unavailable`` while another run is on its way (CANARY-5): each
    would tidy away what the other looks for.
    """
    first, second, *_ = _known(world, config).accounts
    with contextlib.ExitStack() as stack:
        for name, wanted in (("canary", set(trials) - {OUTSIDE}), ("canary-out", set(trials) & {OUTSIDE})):
            if wanted:
                path = os.path.join(layout.watch_folder(config), f"{name}.lock")
                stack.callback(world.disk.lock(path).release)
        ground = Ground(
            world,
            doors(config),
            first,
            second,
            world.entropy.token(canary_pass.LETTERS).lower(),
            _leftovers(world, config),
            joining(world, config),
            config.canary.outside,
            *(memory or Memory({}, Returns())),
        )
        return await run_canaries(ground, trials, config.service.hostname, heard)
