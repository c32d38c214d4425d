"""How fast what 100,000 contracts are owed is computed and written for billing, by four policies.

    python bench/credits.py [--contracts 100000] [--output bench/results/credits.json]

One JSON object of seconds. An outage of five days that hits all of them; thirty fees; one customer in four
has two mailboxes in two cells.
"""

from __future__ import annotations

import argparse
import decimal
import json
import sys
import tempfile
from pathlib import Path

import apsw

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from bench.affected import timed
from holdfast.care import customers
from holdfast.care.credits import billing
from holdfast.care.credits.fees import Fee, fees
from holdfast.care.credits.owing import owed
from holdfast.care.credits.policies import TKG_58, Flat, Policy, ProRata, Tier, Tiers
from holdfast.pages.texts import Texts
from holdfast.watch.diagnosis.report import NamedCause, Report
from holdfast.watch.incidents import Incidents
from holdfast.watch.incidents import record as r
from holdfast.world import real_world

CELLS, FEES = 64, 30
BEGAN = 1_345_010_400.0  # 15 August 2012, 8:00 in Berlin
NOW = BEGAN + 5 * 86_400.0
SLA = Tiers(
    (Tier(decimal.Decimal("99.9"), decimal.Decimal(10)), Tier(decimal.Decimal(95), decimal.Decimal(50)))
)
POLICIES = [
    Policy("daily", "in the manner of § 58 (3) TKG", TKG_58),
    Policy("pro_rata", "terms", ProRata()),
    Policy("tiers", "agreement", SLA),
    Policy("flat", "goodwill", Flat(500, 3600)),
]


def fill(db: apsw.Connection, contracts: int) -> int:
    with db:
        db.executemany(
            "INSERT INTO customer VALUES (?, ?, 1, '', 0, '', 0, '', 0)",
            ((number, f"K-{number}") for number in range(1, contracts + 1)),
        )
        boxes = [(number, number % CELLS) for number in range(1, contracts + 1)]
        boxes += [(number, number * 7 % CELLS) for number in range(1, contracts + 1, 4)]
        db.executemany(
            "INSERT INTO account VALUES (?, ?, ?, 'active', 'user' || ?1, 1, 0, 0)",
            ((place, customer, cell) for place, (customer, cell) in enumerate(boxes, 1)),
        )
    return 1


def outage() -> Incidents:
    found = Incidents()
    cause = NamedCause(component="process/imap-0", since=BEGAN)
    failing = (r.Failing(trial="imap/imaps", function="imap", state="fails"),)
    report = Report(verdict="named", probability=0.99, causes=(cause,))
    found.apply(
        [
            r.Opened(at=BEGAN, incident=1, since={"imap": BEGAN}),
            r.Found(at=BEGAN, incident=1, states={"imap": "fails"}, failing=failing, count=1),
            r.Diagnosed(at=BEGAN, incident=1, report=report),
        ]
    )
    return found


def measured(contracts: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        world, path = real_world(level="error"), f"{folder}/care/customers.sqlite"
        customers.write(world, path, lambda db: fill(db, contracts))
        lines = ["contract,fee,currency", *(f"K-{n},{n % FEES + 10}.90,EUR" for n in range(1, contracts + 1))]
        known, read_s = timed(lambda: fees(lines, "EUR"))
        return {"contracts": contracts, "fees_read_s": read_s} | _policies(path, known)


def _policies(path: str, known: dict[str, Fee]) -> dict[str, float]:
    world, texts, incidents = real_world(level="error"), Texts([billing.FOLDER]), outage()
    incident = incidents.get(1)
    assert incident is not None
    found: dict[str, float] = {}
    for policy in POLICIES:
        result, computed_s = timed(
            lambda policy=policy: owed(world, path, incidents, incident, policy, known, NOW)  # type: ignore[misc]
        )
        _, csv_s = timed(lambda result=result: billing.as_csv(texts, "de", result.credits))  # type: ignore[misc]
        _, json_s = timed(lambda result=result: billing.as_json(texts, "de", result))  # type: ignore[misc]
        found |= {
            f"{policy.name}_credited": len(result.credits),
            f"{policy.name}_computed_s": computed_s,
            f"{policy.name}_csv_s": csv_s,
            f"{policy.name}_json_s": json_s,
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contracts", type=int, default=100_000)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    text = json.dumps(measured(arguments.contracts), indent=1)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
