"""When certificates are renewed, warned of and left alone: years of virtual time (CERT-1 … CERT-3)."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from itertools import pairwise

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from holdfast.functions.setup.certificates.authority import Suggestion
from holdfast.functions.setup.certificates.files import CertificateFiles, Facts, States, Target, new_key
from holdfast.functions.setup.certificates.renewal import DAY_S, Renewal, pause_s
from holdfast.model.errors import Refused, Unavailable
from holdfast.sim.world import SimWorld, simulated

MAIN = Target("mail.example.org", ("mail.example.org",), (), "/data/tls/certificate.pem", "/data/tls/key.pem")
DOMAIN = Target(
    "example.org",
    (),
    ("mta-sts.example.org", "autoconfig.example.org"),
    "/data/tls/domains/example.org/certificate.pem",
    "/data/tls/domains/example.org/key.pem",
)
LIFE_S = 90 * DAY_S


class Issuer:
    """Signs whatever it is asked for. ``fails``: says so instead; ``life_s``: of what it signs."""

    def __init__(self, world: SimWorld) -> None:
        self.world = world
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.fails = ""
        self.bad_names: set[str] = set()
        self.life_s = LIFE_S
        self.suggests: Suggestion | None = None
        self.asked: list[tuple[float, tuple[str, ...]]] = []
        self.names_instead: tuple[str, ...] = ()
        self.key_instead = b""

    async def issue(self, names: Sequence[str], key: bytes) -> bytes:
        self.asked.append((self.world.clock.now(), tuple(names)))
        bad = self.bad_names.intersection(names)
        if self.fails or bad:
            raise Unavailable("acme", self.fails or f"{min(bad)}: wrong proof")
        private = serialization.load_pem_private_key(self.key_instead or key, None)
        now = datetime.datetime.fromtimestamp(self.world.clock.now(), datetime.UTC)
        found = self.names_instead or tuple(names)
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An Authority")])
        built = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(issuer)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(seconds=self.life_s))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in found]), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )
        return built.public_bytes(serialization.Encoding.PEM)

    async def suggestion(self, facts: Facts) -> Suggestion | None:
        return self.suggests


class Place:
    def __init__(self, world: SimWorld, *targets: Target, issues: bool = True) -> None:
        self.world = world
        self.issuer = Issuer(world)
        self.targets: list[Target] = list(targets)
        self.here = {"mta-sts.example.org", "autoconfig.example.org"}
        self.dns_is_gone = False
        self.states = States(world, "/data/acme/state.json")
        self.renewal = Renewal(world, self.issuer if issues else None, self._wanted, self._leads, self.states)

    async def _wanted(self) -> list[Target]:
        return self.targets

    async def _leads(self, name: str) -> bool:
        if self.dns_is_gone:
            raise Unavailable("dns")
        if name == "refused.example.org":
            raise Refused
        return name in self.here

    def facts(self, target: Target = MAIN) -> Facts:
        found = CertificateFiles(self.world, target.certificate, target.key).facts()
        assert found is not None
        return found

    async def days(self, days: float, step_s: float = 6 * 3600.0) -> None:
        until = self.world.clock.now() + days * DAY_S
        while self.world.clock.now() < until:
            await self.renewal.round()
            await self.world.clock.sleep(step_s)

    def told(self, name: str) -> list[float]:
        return [float(each.keys["days"]) for each in self.world.journal.named(name)]  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_certificate_is_renewed_when_a_third_of_its_life_is_left():
    with simulated(1) as world:
        place = Place(world, MAIN)
        world.run(place.days(185))
        times = [at for at, _ in place.issuer.asked]
        between = [later - earlier for earlier, later in pairwise(times)]
        assert len(times) == 4
        assert all(abs(each - LIFE_S * 2 / 3) <= 0.26 * DAY_S for each in between)
        assert place.told("certificate_ends_soon") == []


def test_the_authoritys_own_suggestion_counts_instead():
    """RFC 9773 §4.2: a moment drawn evenly from the window, once for each window."""
    with simulated(2) as world:
        place = Place(world, MAIN)

        async def main() -> None:
            await place.renewal.round()
            start = world.clock.now() + 10 * DAY_S
            place.issuer.suggests = Suggestion(start, start + 4 * DAY_S, world.clock.now() + 3600)
            place.states.of(MAIN.id).ask_at = 0.0
            place.states.keep()
            await place.renewal.round()
            drawn = place.states.of(MAIN.id).renew_at
            assert start <= drawn <= start + 4 * DAY_S
            await place.days(9.5)
            assert place.states.of(MAIN.id).renew_at == drawn
            assert len(place.issuer.asked) == 1
            await place.days(5)
            # It suggests the same window for the next one, too: a day is between them, not a minute.
            first, *more = [at for at, _ in place.issuer.asked[1:]]
            assert abs(first - drawn) <= 0.26 * DAY_S
            assert all(later - earlier >= DAY_S for earlier, later in pairwise([first, *more]))

        world.run(main())


@pytest.mark.slow
def test_cert_2_failures_are_further_and_further_apart_and_the_certificate_stays():
    with simulated(3) as world:
        place = Place(world, MAIN)

        async def main() -> None:
            await place.renewal.round()
            before = place.facts()
            place.issuer.fails = "dns: no such name"
            await world.clock.sleep(61 * DAY_S)
            begun = world.clock.now()
            await place.days(1, step_s=60.0)
            tries = [at for at, _ in place.issuer.asked[1:]]
            pauses = [later - earlier for earlier, later in pairwise(tries)]
            assert pauses == sorted(pauses)
            assert 500 <= pauses[0] <= 800
            assert 5 <= len(tries) <= 10
            assert tries[0] - begun < 120
            assert place.facts() == before
            assert place.states.of(MAIN.id).error == "dns: no such name"
            place.issuer.fails = ""
            await place.days(0.5)
            assert place.facts().ends_at > before.ends_at
            assert place.states.of(MAIN.id).error == ""

        world.run(main())
    assert pause_s(1) == 600
    assert pause_s(1000) == 6 * 3600


@pytest.mark.slow
def test_warnings_come_30_14_and_7_days_before_the_end_each_once_and_over_restarts():
    with simulated(4) as world:
        place = Place(world, MAIN)

        async def main() -> None:
            await place.renewal.round()
            place.issuer.fails = "no"
            await place.days(80)
            place.renewal = Place(world, MAIN).renewal  # a new process, which fails as well
            place.renewal._issuer = place.issuer
            await place.days(9)

        world.run(main())
        assert [round(each) for each in place.told("certificate_ends_soon")] == [30, 14, 7]
        # The first half day after the renewal was due is no reason to warn.
        assert place.told("certificate_ends_soon")[0] < 30
        assert place.told("certificate_ended") == []


@pytest.mark.slow
def test_a_certificate_that_nobody_renews_here_is_warned_of_as_well():
    with simulated(5) as world:
        place = Place(world, MAIN)
        world.run(place.renewal.round())
        watching = Place(world, MAIN, issues=False)
        world.run(watching.days(100))
        assert [round(each) for each in watching.told("certificate_ends_soon")] == [30, 14, 7]
        assert [round(each) for each in watching.told("certificate_ended")] == [0]


@pytest.mark.slow
def test_a_short_life_is_measured_by_its_own_share():
    """Six days: a third, about a sixth and a twelfth of it."""
    with simulated(6) as world:
        place = Place(world, MAIN)

        async def main() -> None:
            place.issuer.life_s = 6 * DAY_S
            await place.renewal.round()
            place.issuer.fails = "no"
            await place.days(6, step_s=600.0)

        world.run(main())
        assert [round(each, 1) for each in place.told("certificate_ends_soon")] == [2.0, 0.9, 0.5]


@pytest.mark.parametrize("what", ["names", "key", "time"])
def test_cert_1_what_is_not_good_is_not_put_in_place(what: str):
    with simulated(7) as world:
        place = Place(world, MAIN)

        async def main() -> None:
            await place.renewal.round()
            before = world.disk.read(MAIN.certificate)
            if what == "names":
                place.issuer.names_instead = ("other.example.org",)
            elif what == "key":
                place.issuer.key_instead = new_key()
            else:
                place.issuer.life_s = 1e-6
            assert await place.renewal.round(MAIN.id, at_once=True) == []
            assert world.disk.read(MAIN.certificate) == before
            assert place.states.of(MAIN.id).failures == 1

        world.run(main())


def test_cert_1_the_one_before_is_kept_beside():
    with simulated(8) as world:
        place = Place(world, MAIN)

        async def main() -> None:
            await place.renewal.round()
            first = world.disk.read(MAIN.certificate)
            assert await place.renewal.round(MAIN.id, at_once=True) == [MAIN.id]
            assert world.disk.read(MAIN.certificate) != first
            assert world.disk.read(MAIN.certificate + ".previous") == first

        world.run(main())


@pytest.mark.slow
def test_cert_3_names_are_added_as_they_lead_here_and_left_out_when_they_no_longer_do():
    with simulated(9) as world:
        place = Place(world, DOMAIN)

        async def main() -> None:
            place.here.clear()
            await place.days(1)
            assert place.issuer.asked == []  # nothing leads here: nothing to ask for, and no failure
            place.here.add("mta-sts.example.org")
            await place.days(1)
            assert place.facts(DOMAIN).names == ("mta-sts.example.org",)
            place.here.add("autoconfig.example.org")
            await place.days(1)
            assert set(place.facts(DOMAIN).names) == set(DOMAIN.optional)
            place.here.discard("mta-sts.example.org")
            await place.days(30)
            assert set(place.facts(DOMAIN).names) == set(DOMAIN.optional)  # it works, so it stays
            await place.days(31)
            assert place.facts(DOMAIN).names == ("autoconfig.example.org",)

        world.run(main())


@pytest.mark.slow
def test_cert_3_a_name_that_cannot_be_proven_keeps_the_others_from_nothing():
    with simulated(10) as world:
        place = Place(world, DOMAIN)

        async def main() -> None:
            place.here.discard("autoconfig.example.org")
            await place.renewal.round()
            await world.clock.sleep(61 * DAY_S)
            place.here.add("autoconfig.example.org")
            place.issuer.bad_names = {"autoconfig.example.org"}  # its address is ours, its port 80 is not
            before = place.facts(DOMAIN)
            await place.days(0.5, step_s=60.0)
            assert place.facts(DOMAIN).ends_at > before.ends_at
            assert place.facts(DOMAIN).names == ("mta-sts.example.org",)

        world.run(main())


def test_cert_3_while_the_dns_cannot_be_asked_a_certificate_is_renewed_with_the_names_it_has():
    with simulated(11) as world:
        place = Place(world, DOMAIN)

        async def main() -> None:
            await place.renewal.round()
            await world.clock.sleep(61 * DAY_S)
            place.dns_is_gone = True
            await place.renewal.round()
            assert len(place.issuer.asked) == 2
            assert set(place.facts(DOMAIN).names) == set(DOMAIN.optional)

        world.run(main())


def test_one_bad_target_keeps_no_other_from_its_certificate():
    with simulated(12) as world:
        bad = Target("bad", ("bad.example.org",), (), "/data/tls/bad.pem", "/data/tls/bad-key.pem")
        place = Place(world, bad, MAIN)

        async def main() -> None:
            place.issuer.bad_names = {"bad.example.org"}
            assert await place.renewal.round() == [MAIN.id]

        world.run(main())


def test_two_processes_never_renew_at_once():
    with simulated(13) as world:
        place = Place(world, MAIN)

        async def main() -> None:
            lock = place.states.lock()
            with pytest.raises(Unavailable):
                await place.renewal.round()
            lock.release()
            assert await place.renewal.round() == [MAIN.id]

        world.run(main())


def test_a_state_that_cannot_be_read_counts_as_none():
    with simulated(14) as world:
        place = Place(world, MAIN)
        world.run(place.renewal.round())
        world.disk.write_atomic("/data/acme/state.json", b"{")
        assert States(world, "/data/acme/state.json").by_id == {}


def test_a_wildcard_covers_one_label():
    facts = Facts(("*.example.org",), 0, 1, "", False, "", "", "")
    assert facts.covers("mail.example.org")
    assert not facts.covers("a.b.example.org")
    assert not facts.covers("example.org")


def test_a_limit_of_the_account_holds_for_all_its_certificates():
    """RFC 8555 §6.7: rateLimited."""
    with simulated(15) as world:
        place = Place(world, MAIN, DOMAIN)

        async def main() -> None:
            place.issuer.fails = "rateLimited: too many certificates"
            await place.renewal.round()
            assert len(place.issuer.asked) == 1
            place.issuer.fails = ""
            await place.days(0.1, step_s=60.0)
            assert place.facts(DOMAIN) and place.facts(MAIN)

        world.run(main())


@pytest.mark.slow
def test_a_round_over_thousands_of_domains_leaves_others_their_turn():
    with simulated(16) as world:
        many = [
            Target(
                f"d{number}.example",
                (),
                (f"mta-sts.d{number}.example",),
                f"/tls/{number}.pem",
                f"/tls/{number}.key",
            )
            for number in range(500)
        ]
        place = Place(world, *many)
        place.dns_is_gone = True
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await world.clock.sleep(0)

        async def main() -> None:
            task = world.start(other())
            await place.renewal.round()
            task.cancel()

        world.run(main())
        assert turns >= 500
        assert place.issuer.asked == []
