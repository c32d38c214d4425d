"""How requests about app passwords, factors, grants, tokens, invitations and sealed access become records."""

from __future__ import annotations

import ipaddress
from typing import TypeVar

from holdfast.directory import records as r
from holdfast.directory import requests as q
from holdfast.directory.digests import APP_SALT_BYTES, app_password_digest, app_secret, secret_digest
from holdfast.directory.draft import Draft, check_count, check_end, check_name, check_note
from holdfast.directory.names import parse_domain
from holdfast.directory.plan_accounts import find_invitation
from holdfast.directory.rows import DIGEST_BYTES
from holdfast.model.errors import Reason, Refused
from holdfast.model.limits import (
    ACCESS_LONGEST_S,
    APP_PASSWORDS_MOST,
    FACTORS_MOST,
    NETWORKS_MOST,
    RECOVERY_CODES_MOST,
    SECRET_LETTERS,
    TOKEN_LETTERS,
    TOKENS_MOST,
)
from holdfast.model.people import (
    AdminRole,
    ApiToken,
    AppPassword,
    FactorKind,
    Grant,
    Invitation,
    SealedAccess,
    SecondFactor,
)

Found = TypeVar("Found")

FUNCTIONS = ("imap", "pop3", "submission", "jmap")
FACTOR_BYTES = 8192


def app_password_add(draft: Draft, request: q.AppPasswordAdd) -> AppPassword:
    id_ = draft.who(request.account)
    check_name(request.name, needed="app password")
    check_end(draft, request.expires_at)
    unknown = set(request.functions) - set(FUNCTIONS)
    if unknown:
        raise Refused(
            Reason.BAD_SYNTAX, f"no function {', '.join(sorted(unknown))}: of {', '.join(FUNCTIONS)}"
        )
    if len(app_secret(request.secret)) < SECRET_LETTERS:
        raise Refused(
            Reason.BAD_SYNTAX,
            f"an app password is drawn, and has {SECRET_LETTERS} letters at least",
        )
    if len(draft.copy.belongings.app_passwords(id_)) >= APP_PASSWORDS_MOST:
        raise Refused(Reason.LIMIT, f"there are {APP_PASSWORDS_MOST} app passwords already: remove one first")
    salt = draft.entropy.bytes(APP_SALT_BYTES)
    record = r.AppPasswordMade(
        at=draft.at,
        account=id_,
        name=request.name,
        salt=salt,
        digest=app_password_digest(salt, request.secret),
        functions=tuple(dict.fromkeys(request.functions)),
        networks=clean_networks(request.networks),
        expires_at=request.expires_at,
    )
    return known(draft.copy.belongings.app_password(draft.add(record)), "app password")


def app_password_remove(draft: Draft, request: q.AppPasswordRemove) -> None:
    id_ = draft.who(request.account)
    found = draft.copy.belongings.app_password(request.id)
    if found is None or found.account != id_:
        raise Refused(Reason.NO_SUCH_USER, f"no app password {request.id} of this account")
    draft.add(r.AppPasswordRemoved(at=draft.at, id=request.id))


def factor_add(draft: Draft, request: q.FactorAdd) -> SecondFactor:
    id_ = draft.who(request.account)
    check_name(request.name)
    if not 0 < len(request.secret) <= FACTOR_BYTES:
        raise Refused(Reason.TOO_LARGE, f"a second factor's secret has up to {FACTOR_BYTES} bytes, and some")
    if request.kind is FactorKind.RECOVERY and (
        len(request.secret) % DIGEST_BYTES or len(request.secret) > RECOVERY_CODES_MOST * DIGEST_BYTES
    ):
        raise Refused(
            Reason.BAD_SYNTAX,
            f"recovery codes are up to {RECOVERY_CODES_MOST} digests of {DIGEST_BYTES} bytes, joined",
        )
    if len(draft.copy.belongings.factors(id_)) >= FACTORS_MOST:
        raise Refused(Reason.LIMIT, f"there are {FACTORS_MOST} second factors already: remove one first")
    record = r.FactorMade(
        at=draft.at, account=id_, kind=request.kind, name=request.name, secret=request.secret
    )
    return known(draft.copy.belongings.factor(draft.add(record)), "second factor")


def factor_remove(draft: Draft, request: q.FactorRemove) -> None:
    id_ = draft.who(request.account)
    factors = draft.copy.belongings.factors(id_)
    found = next((factor for factor in factors if factor.id == request.id), None)
    if found is None:
        raise Refused(Reason.NO_SUCH_USER, f"no second factor {request.id} of this account")
    passkeys = sum(factor.kind is FactorKind.PASSKEY for factor in factors)
    if found.kind is FactorKind.PASSKEY and passkeys == 1 and draft.account(id_).passkey_only:
        raise Refused(
            Reason.NOT_ALLOWED, "it is the last passkey, and nothing else signs in: allow the password first"
        )
    draft.add(r.FactorRemoved(at=draft.at, id=request.id))


def recovery_use(draft: Draft, request: q.RecoveryUse) -> SecondFactor:
    id_ = draft.who(request.account)
    found = draft.copy.belongings.factor(request.id)
    if found is None or found.account != id_:
        raise Refused(Reason.BAD_CREDENTIALS, "this recovery code was used already, or never was one")
    draft.add(r.RecoveryUsed(at=draft.at, id=request.id, digest=request.digest))
    return known(draft.copy.belongings.factor(request.id), "second factor")


def grant_add(draft: Draft, request: q.GrantAdd) -> Grant:
    grant = wanted_grant(draft, request)
    if grant.tenant and grant.domain:
        raise Refused(Reason.BAD_SYNTAX, "name a tenant or a domain, not both: a domain has its tenant")
    if grant.role is AdminRole.DOMAIN_ADMIN and not (grant.tenant or grant.domain):
        raise Refused(
            Reason.BAD_SYNTAX,
            "a domain's administrator needs a domain or a tenant: name one",
        )
    if grant not in draft.copy.belongings.grants(grant.account):
        draft.add(
            r.Granted(
                at=draft.at,
                account=grant.account,
                role=grant.role,
                tenant=grant.tenant,
                domain=grant.domain,
            )
        )
    return grant


def grant_remove(draft: Draft, request: q.GrantRemove) -> None:
    grant = wanted_grant(draft, request)
    draft.add(
        r.GrantTaken(
            at=draft.at,
            account=grant.account,
            role=grant.role,
            tenant=grant.tenant,
            domain=grant.domain,
        )
    )


def wanted_grant(draft: Draft, request: q.GrantAdd | q.GrantRemove) -> Grant:
    domain = parse_domain(request.domain) if request.domain else ""
    return Grant(draft.who(request.account), request.role, request.tenant, domain)


def token_add(draft: Draft, request: q.TokenAdd) -> ApiToken:
    id_ = draft.who(request.account)
    check_name(request.name, needed="token")
    check_end(draft, request.expires_at)
    if len(request.secret) < TOKEN_LETTERS:
        raise Refused(
            Reason.BAD_SYNTAX, f"a token has {TOKEN_LETTERS} letters at least, and is drawn, not chosen"
        )
    if len(draft.copy.belongings.tokens(id_)) >= TOKENS_MOST:
        raise Refused(Reason.LIMIT, f"there are {TOKENS_MOST} tokens already: remove one first")
    record = r.TokenMade(
        at=draft.at,
        account=id_,
        name=request.name,
        role=request.role,
        digest=secret_digest(request.secret),
        networks=clean_networks(request.networks),
        expires_at=request.expires_at,
    )
    return known(draft.copy.belongings.token_of(draft.add(record)), "token")


def token_remove(draft: Draft, request: q.TokenRemove) -> None:
    draft.add(r.TokenRemoved(at=draft.at, id=request.id))


def invitation_add(draft: Draft, request: q.InvitationAdd) -> Invitation:
    domain = parse_domain(request.domain)
    check_note(request.note)
    check_end(draft, request.expires_at)
    check_count(request.uses, "uses")
    if not request.code.strip() or not request.uses:
        raise Refused(Reason.BAD_SYNTAX, "an invitation needs a code, and one use at least")
    record = r.InvitationMade(
        at=draft.at,
        domain=domain,
        digest=secret_digest(request.code),
        uses=request.uses,
        expires_at=request.expires_at,
        note=request.note,
    )
    return known(draft.copy.belongings.invitation_of(draft.add(record)), "invitation")


def invitation_use(draft: Draft, request: q.InvitationUse) -> Invitation:
    found = find_invitation(draft, request.code, parse_domain(request.domain))
    draft.add(r.InvitationUsed(at=draft.at, id=found.id))
    return known(draft.copy.belongings.invitation_of(found.id), "invitation")


def invitation_remove(draft: Draft, request: q.InvitationRemove) -> None:
    draft.add(r.InvitationRemoved(at=draft.at, id=request.id))


def access_ask(draft: Draft, request: q.AccessAsk) -> SealedAccess:
    draft.need_why()
    record = r.AccessAsked(
        at=draft.at, account=draft.who(request.account), auditor=draft.who(request.auditor)
    )
    return known(draft.copy.belongings.access(draft.add(record)), "access")


def access_approve(draft: Draft, request: q.AccessApprove) -> SealedAccess:
    who = draft.who(request.approved_by)
    if not draft.at < request.until <= draft.at + ACCESS_LONGEST_S:
        raise Refused(
            Reason.BAD_SYNTAX, f"say until when: a time to come, within {ACCESS_LONGEST_S / 86_400:.0f} days"
        )
    draft.add(r.AccessApproved(at=draft.at, id=request.id, approved_by=who, until=request.until))
    return known(draft.copy.belongings.access(request.id), "access")


def access_use(draft: Draft, request: q.AccessUse) -> SealedAccess:
    check_note(request.what)
    found = draft.copy.belongings.access(request.id)
    if found is None or not found.approved_by:
        raise Refused(Reason.NOT_ALLOWED, "nobody approved this access: ask another person to")
    if found.until <= draft.at:
        raise Refused(Reason.NOT_ALLOWED, "this access is over: ask for it again")
    draft.add(r.AccessUsed(at=draft.at, id=request.id, what=request.what))
    return found


def clean_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    """CIDR, each once: ``192.0.2.7`` → ``192.0.2.7/32``. Raises ``Refused(BAD_SYNTAX)``."""
    if len(networks) > NETWORKS_MOST:
        raise Refused(Reason.TOO_MANY, f"more than {NETWORKS_MOST} networks: name larger ones")
    try:
        clean = [str(ipaddress.ip_network(each.strip(), strict=False)) for each in networks]
    except ValueError as error:
        raise Refused(Reason.BAD_SYNTAX, f"not a network: {error}; write it as 192.0.2.0/24") from error
    return tuple(dict.fromkeys(clean))


def known(found: Found | None, what: str) -> Found:
    """What was made a moment ago, or under a key that is known."""
    if found is None:
        raise Refused(Reason.NO_SUCH_USER, f"this {what} was made, and removed since")
    return found
