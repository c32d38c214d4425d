"""The role `signup`: account creation. It needs the people ledger's copy and its own disk, and no mail."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import holdfast.functions.signup
from holdfast.directory.deferred import Deferred, Outcome
from holdfast.directory.people import People
from holdfast.functions.password.strength import weakness
from holdfast.functions.signup.choosing import Rules, rules_of
from holdfast.functions.signup.contract import Contracts
from holdfast.functions.signup.details import Asked, Details
from holdfast.functions.signup.names import Reserved
from holdfast.functions.signup.pages import Hints, Pages
from holdfast.functions.signup.requests import Requests
from holdfast.functions.signup.signups import SignUps
from holdfast.functions.signup.telling import Telling
from holdfast.model import canary_pass
from holdfast.pages import Seal
from holdfast.run import keys, layout, parts, web
from holdfast.run.child import Start
from holdfast.run.config import Config
from holdfast.run.reaching import Reach, reach, running, secret_of

FOLDER = Path(holdfast.functions.signup.__file__).parent


async def run_signup(start: Start) -> None:
    config, volume = start.config, layout.main_volume(start.config)
    async with (
        parts.people_copy(start) as people,
        web.operations(start) as operations,
        reach(start, people, FOLDER / "messages") as reached,
    ):
        contracts = _contracts(config, reached)
        telling = Telling(
            reached.sms, reached.mail, reached.texts.say, reached.sender, web.url_of(config, "signup")
        )
        seal = Seal(start.world, keys.key_of(config, keys.PAGES))
        requests = Requests(start.world, layout.signup_path(config), seal, start.name)

        async def decided(outcome: Outcome) -> None:
            await signups.on_outcome(outcome)

        deferred = await Deferred.open(
            start.world,
            config.volume_folder(volume),
            f"signup-asked-{start.worker}",
            operations,
            copies=config.copies_of(volume, "synchronous"),
            trailing=config.copies_of(volume, "trailing"),
            on_outcome=decided,
        )
        signups = SignUps(start.world, requests, deferred, contracts, telling)
        site = web.site(start, [FOLDER], brand=web.brand_for(people))
        Pages(
            site,
            people,
            reached.proofs,
            signups,
            contracts,
            Details(_asked(config, people, reached)),
            _rules(config),
            Hints(config.service.hostname, web.url_of(config, "password"), web.url_of(config, "setup")),
        )
        with running(deferred.run()), running(signups.run()):
            await web.serve(start, site.app)
        await signups.close()
        await deferred.close()


def _contracts(config: Config, reached: Reach) -> Contracts | None:
    signup = config.signup
    if not signup.contract_url:
        return None
    return Contracts(reached.http, signup.contract_url, secret_of(signup.contract_secret))


def _rules(config: Config) -> Rules:
    signup = config.signup
    return Rules(
        rules_of(signup.open, signup.invitation, signup.contract),
        Reserved(signup.reserved),
        signup.name_least,
        signup.per_network_day,
        signup.per_contact_year,
        signup.minimum_s,
        lambda: keys.key_of(config, canary_pass.KEY),
    )


def _asked(config: Config, people: People, reached: Reach) -> Asked:
    signup, sms = config.signup, reached.sms
    wanted = {"either": ("phone", "address"), "none": ()}.get(signup.proof, (signup.proof,))

    def weak(password: str, own: Iterable[str]) -> str:
        found = weakness(password, own)
        return "" if found is None else found.name.lower()

    return Asked(
        channels=tuple(each for each in wanted if reached.proofs.offers(each)),
        country=config.gateways.country,
        check_phone=sms.check if sms is not None else lambda number: None,
        is_ours=people.is_local_domain,
        disposable=frozenset(each.lower() for each in signup.disposable),
        terms_url=signup.terms_url,
        privacy_url=signup.privacy_url,
        weakness=weak,
    )
