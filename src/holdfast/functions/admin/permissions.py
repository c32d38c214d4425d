"""Who may do what, where: one table of roles, and the places a role is given for.

A right is three things: a permission (what), a role that has it, and a place (where). A grant gives one
account one role for one place: everywhere, a tenant with all its domains, or one domain.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple

from holdfast.model.errors import Reason, Refused
from holdfast.model.mail import AccountId
from holdfast.model.people import AdminRole, ApiToken, Grant, TenantId


class Permission(enum.StrEnum):
    """What an operation needs. The words are in the API's document."""

    ME = "me"  # what one's own rights are
    READ = "read"  # people, addresses, settings; no secrets
    PEOPLE = "people"  # accounts, addresses, aliases, customers and how they are reached
    SIGN_IN = "sign_in"  # passwords, app passwords, second factors, ending sessions
    BULK = "bulk"  # many accounts at once
    DOMAINS = "domains"  # a domain's settings, invitations, reserved names
    MAKE_DOMAINS = "make_domains"  # domains come and go
    LIMITS = "limits"  # quotas, how much may be sent, how many accounts
    TENANTS = "tenants"  # tenants and how their pages look
    GRANTS = "grants"  # who may do what
    TOKENS = "tokens"  # one's own keys for programs
    HOLD = "hold"  # legal hold
    AUDIT = "audit"  # who did what
    SEALED = "sealed"  # ask to see a mailbox, and see it once another approved
    APPROVE = "approve"  # approve what another asked to see
    PROVIDER = "provider"  # what concerns the whole service: announcements, hooks


_P = Permission
_ALL = frozenset(Permission)

# The table. A role has what stands here and nothing else (ADMIN-1).
ROLES: dict[AdminRole, frozenset[Permission]] = {
    AdminRole.OWNER: _ALL,
    AdminRole.DOMAIN_ADMIN: frozenset(
        {_P.ME, _P.READ, _P.PEOPLE, _P.SIGN_IN, _P.BULK, _P.DOMAINS, _P.TOKENS}
    ),
    AdminRole.SUPPORT: frozenset({_P.ME, _P.READ}),
    AdminRole.AUDITOR: frozenset({_P.ME, _P.READ, _P.AUDIT, _P.SEALED}),
}


class Forbidden(Refused):
    """The right is missing for something that may be known to be there."""

    def __init__(self, text: str) -> None:
        super().__init__(Reason.NOT_ALLOWED, text)


class Missing(Refused):
    """Not there, or outside of one's rights: the same answer for both (ADMIN-2)."""

    def __init__(self, what: str) -> None:
        super().__init__(Reason.NO_SUCH_USER, f"{what} is not here, or not within your rights")


class Place(NamedTuple):
    """Where something is. ``domain`` '': of the tenant as a whole; ``tenant`` 0, too: of the service."""

    tenant: TenantId = 0
    domain: str = ""


EVERYWHERE = Place()


class Power(NamedTuple):
    """What one grant allows, and where. ``domain`` '' and ``tenant`` 0: everywhere."""

    permissions: frozenset[Permission]
    tenant: TenantId = 0
    domain: str = ""

    @property
    def is_everywhere(self) -> bool:
        return not self.tenant and not self.domain

    def covers(self, place: Place) -> bool:
        if self.domain:
            return place.domain == self.domain
        return not self.tenant or place.tenant == self.tenant


class Actor(NamedTuple):
    """Who asks. ``account`` 0: an administrator of the machine itself. ``by``: for the audit trail.

    ``secret``: what he showed to be himself, for sealing answers that are kept; b'' for none.
    """

    account: AccountId
    by: str
    powers: tuple[Power, ...]
    secret: bytes = b""

    def has(self, permission: Permission) -> bool:
        """Anywhere."""
        return any(permission in power.permissions for power in self.powers)

    def may(self, permission: Permission, place: Place) -> bool:
        return any(permission in power.permissions and power.covers(place) for power in self.powers)

    def sees(self, place: Place) -> bool:
        return any(power.covers(place) for power in self.powers)

    def places(self, permission: Permission) -> list[Place] | None:
        """Tenants and domains where the permission is held, none within another; None: everywhere."""
        held = [power for power in self.powers if permission in power.permissions]
        if any(power.is_everywhere for power in held):
            return None
        return sorted({Place(power.tenant if not power.domain else 0, power.domain) for power in held})

    def may_give(self, grant: Grant, place: Place) -> bool:
        """Nobody gives more than he has: the role's permissions, all from one power there (ADMIN-3)."""
        return any(
            Permission.GRANTS in power.permissions
            and power.covers(place)
            and ROLES[grant.role] <= power.permissions
            for power in self.powers
        )


def local_actor(user: str) -> Actor:
    """Who has the machine has everything: ``holdfast admin`` on its command line."""
    return Actor(0, f"cli:{user}", (Power(_ALL),))


def powers_of(grants: Iterable[Grant], at_most: AdminRole | None = None) -> tuple[Power, ...]:
    """``at_most``: of a token: what its role and the grant's have in common."""
    limit = _ALL if at_most is None else ROLES[at_most]
    return tuple(
        Power(ROLES[grant.role] & limit, 0 if grant.domain else grant.tenant, grant.domain)
        for grant in grants
    )


def account_actor(account: AccountId, grants: Iterable[Grant]) -> Actor:
    """A person who signed in."""
    return Actor(account, f"account:{account}", powers_of(grants))


def token_actor(token: ApiToken, grants: Iterable[Grant], secret: bytes) -> Actor:
    """A program with a key."""
    return Actor(token.account, f"token:{token.id}", powers_of(grants, token.role), secret)
