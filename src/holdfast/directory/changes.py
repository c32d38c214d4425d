"""Which plan makes a request into records, and what a request that is asked again is answered.

The fold itself says whether a record is possible; plans say what is sensible.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from holdfast.directory import plan_accounts, plan_domains, plan_rights
from holdfast.directory import records as r
from holdfast.directory import requests as q
from holdfast.directory.digests import secret_digest
from holdfast.directory.draft import Draft, check_note
from holdfast.directory.fold import Carried
from holdfast.directory.names import name_key, parse_domain
from holdfast.directory.plan_rights import known
from holdfast.model.errors import Reason, Refused


def carry_out(draft: Draft, request: q.AnyRequest) -> object:
    """The request's answer, true once the draft is durable. Raises ``Refused``, then it added nothing."""
    draft.by, draft.why, draft.once = request.by, request.why, request.once
    check_note(request.by)
    check_note(request.why)
    check_note(request.once)
    if request.once:
        carried = draft.copy.fold.carried(request.once)
        if carried is not None:
            return _again(draft, request, carried)
    frames = len(draft.frames)
    try:
        return _PLANS[type(request)](draft, request)
    except Refused:
        draft.back_to(frames)
        raise


def _announce(draft: Draft, request: q.Announce) -> int:
    """How many who left are still unexplained."""
    if request.count < 1 or not request.reason.strip():
        raise Refused(Reason.BAD_SYNTAX, "say how many accounts leave, and why")
    draft.add(r.BulkAnnounced(at=draft.at, count=request.count, reason=request.reason))
    return draft.copy.fold.shrinking.unexplained


def _accept_holes(draft: Draft, request: q.AcceptHoles) -> int:
    """How many unreadable frames are given up."""
    holes = draft.copy.fold.holes
    if holes:
        draft.add(r.HolesAccepted(at=draft.at, reason=request.reason))
    return holes


_PLANS: dict[type, Callable[[Draft, Any], object]] = {
    q.DomainAdd: plan_domains.domain_add,
    q.DomainSet: plan_domains.domain_set,
    q.DomainRemove: plan_domains.domain_remove,
    q.DomainRestore: plan_domains.domain_restore,
    q.CustomerAdd: plan_domains.customer_add,
    q.CustomerSet: plan_domains.customer_set,
    q.ContactSet: plan_domains.contact_set,
    q.TenantAdd: plan_domains.tenant_add,
    q.TenantSet: plan_domains.tenant_set,
    q.NamesReserve: plan_domains.names_reserve,
    q.AccountAddMany: plan_accounts.account_add_many,
    q.AccountSet: plan_accounts.account_set,
    q.AccountStateMany: plan_accounts.account_state_many,
    q.PasswordSet: plan_accounts.password_set,
    q.SignOut: plan_accounts.sign_out,
    q.HoldSet: plan_accounts.hold_set,
    q.AddressAdd: plan_accounts.address_add,
    q.AddressRemove: plan_accounts.address_remove,
    q.AliasSet: plan_accounts.alias_set,
    q.AliasRemove: plan_accounts.alias_remove,
    q.MaskedSet: plan_accounts.masked_set,
    q.AppPasswordAdd: plan_rights.app_password_add,
    q.AppPasswordRemove: plan_rights.app_password_remove,
    q.FactorAdd: plan_rights.factor_add,
    q.FactorRemove: plan_rights.factor_remove,
    q.RecoveryUse: plan_rights.recovery_use,
    q.GrantAdd: plan_rights.grant_add,
    q.GrantRemove: plan_rights.grant_remove,
    q.TokenAdd: plan_rights.token_add,
    q.TokenRemove: plan_rights.token_remove,
    q.InvitationAdd: plan_rights.invitation_add,
    q.InvitationUse: plan_rights.invitation_use,
    q.InvitationRemove: plan_rights.invitation_remove,
    q.AccessAsk: plan_rights.access_ask,
    q.AccessApprove: plan_rights.access_approve,
    q.AccessUse: plan_rights.access_use,
    q.Announce: _announce,
    q.AcceptHoles: _accept_holes,
}
CHANGES = tuple(_PLANS)

# PEOPLE-12, by request: the records that can carry its key, and the answer from what there is.

_Answer = Callable[[Draft, Any, Carried], object]


def _none(draft: Draft, request: object, carried: Carried) -> None:
    return None


def _account(draft: Draft, request: Any, carried: Carried) -> object:
    return draft.account(draft.who(request.account))


def _domain(draft: Draft, request: Any, carried: Carried) -> object:
    return draft.domain(parse_domain(request.name))


def _made(name: str, what: str) -> _Answer:
    """By the frame that made it."""

    def answer(draft: Draft, request: Any, carried: Carried) -> object:
        return known(getattr(draft.copy.belongings, name)(carried.sequence), what)

    return answer


def _named(name: str, field: str) -> _Answer:
    """By what the request names it with."""

    def answer(draft: Draft, request: Any, carried: Carried) -> object:
        return known(getattr(draft.copy.belongings, name)(getattr(request, field)), field)

    return answer


def _masked(draft: Draft, request: q.MaskedSet, carried: Carried) -> object:
    belongings = draft.copy.belongings
    if request.address:
        return known(belongings.masked_by(key=name_key(request.address)), "masked address")
    return known(belongings.masked_by(made=carried.sequence), "masked address")


_AGAIN: dict[type, tuple[tuple[type, ...], _Answer]] = {
    q.DomainAdd: ((r.DomainMade,), _domain),
    q.DomainSet: ((r.DomainSet,), _domain),
    q.DomainRemove: ((r.DomainRemoved,), _none),
    q.DomainRestore: ((r.DomainBack,), _domain),
    q.CustomerAdd: ((r.CustomerMade,), _made("customer", "customer")),
    q.CustomerSet: ((r.CustomerSet,), _named("customer", "customer")),
    q.ContactSet: ((r.ContactSet,), lambda d, a, c: d.copy.belongings.contact(a.contact.customer)),
    q.TenantAdd: ((r.TenantMade,), _made("tenant", "tenant")),
    q.TenantSet: ((r.TenantSet,), _named("tenant", "tenant")),
    q.NamesReserve: ((r.NamesReserved,), _none),
    q.AccountAddMany: ((r.AccountMade,), lambda d, a, c: plan_accounts.account_add_many(d, a)),
    q.AccountSet: ((r.AccountSet, r.AccountStateSet), _account),
    q.AccountStateMany: ((r.AccountStateSet,), lambda d, a, c: plan_accounts.account_state_many(d, a)),
    q.PasswordSet: ((r.CredentialSet,), _account),
    q.SignOut: ((r.SignedOut,), _account),
    q.HoldSet: ((r.HoldSet,), _account),
    q.AddressAdd: ((r.AddressAdded,), _account),
    q.AddressRemove: ((r.AddressRemoved,), _none),
    q.AliasSet: ((r.AliasSet,), lambda d, a, c: known(d.copy.lists.alias(name_key(a.address)), "alias")),
    q.AliasRemove: ((r.AliasRemoved,), _none),
    q.MaskedSet: ((r.MaskedSet,), _masked),
    q.AppPasswordAdd: ((r.AppPasswordMade,), _made("app_password", "app password")),
    q.AppPasswordRemove: ((r.AppPasswordRemoved,), _none),
    q.FactorAdd: ((r.FactorMade,), _made("factor", "second factor")),
    q.FactorRemove: ((r.FactorRemoved,), _none),
    q.RecoveryUse: ((r.RecoveryUsed,), _named("factor", "id")),
    q.GrantAdd: ((r.Granted,), lambda d, a, c: plan_rights.wanted_grant(d, a)),
    q.GrantRemove: ((r.GrantTaken,), _none),
    q.TokenAdd: ((r.TokenMade,), _made("token_of", "token")),
    q.TokenRemove: ((r.TokenRemoved,), _none),
    q.InvitationAdd: ((r.InvitationMade,), _made("invitation_of", "invitation")),
    q.InvitationUse: (
        (r.InvitationUsed,),
        lambda d, a, c: known(d.copy.belongings.find_invitation(secret_digest(a.code)), "invitation"),
    ),
    q.InvitationRemove: ((r.InvitationRemoved,), _none),
    q.AccessAsk: ((r.AccessAsked,), _made("access", "access")),
    q.AccessApprove: ((r.AccessApproved,), _named("access", "id")),
    q.AccessUse: ((r.AccessUsed,), _named("access", "id")),
    q.Announce: ((r.BulkAnnounced,), lambda d, a, c: d.copy.fold.shrinking.unexplained),
    q.AcceptHoles: ((r.HolesAccepted,), lambda d, a, c: 0),
}


def _again(draft: Draft, request: q.AnyRequest, carried: Carried) -> object:
    """PEOPLE-12: nothing more happens. Raises ``Refused`` for a key that stands for something else."""
    carriers, answer = _AGAIN[type(request)]
    if carried.what not in {carrier.__struct_config__.tag for carrier in carriers}:  # type: ignore[attr-defined]
        raise Refused(Reason.BAD_SYNTAX, f"this key was used for {carried.what}: draw another one")
    return answer(draft, request, carried)
