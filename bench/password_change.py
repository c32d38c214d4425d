"""How fast passwords are changed on the pages: argon2id, the people ledger's sync and HTTP included.

    python bench/password_change.py [--rate 20] [--seconds 20]

A real service with all its processes; each change is one POST with session and token by a visitor who
signed in before, begun on time whether or not those before are done. One JSON object: milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx2

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from e2e.service import DOMAIN, Service, password

VISITORS = 20
WORDS = ("lampe", "fluss", "zitrone", "klammer", "kuchen", "fenster", "wolke", "gabel", "ziegel", "birne")


def token(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, page
    return found[1]


class Changer:
    """One visitor, signed in. ``turn`` counts changes, so that each password is a new one."""

    def __init__(self, url: str, name: str) -> None:
        self.client = httpx2.AsyncClient(base_url=url, timeout=30)
        self.name = name
        self.csrf = ""
        self.turn = 0
        self.busy = asyncio.Lock()

    async def sign_in(self) -> None:
        csrf = token((await self.client.get("/sign-in")).text)
        data = {"csrf": csrf, "name": f"{self.name}@{DOMAIN}", "password": password(self.name)}
        answer = await self.client.post("/sign-in", data=data)
        assert answer.status_code == 303, answer.text
        self.csrf = token((await self.client.get("/password")).text)

    async def change(self, due: float) -> float:
        """Milliseconds since it was due."""
        async with self.busy:
            self.turn += 1
            new = f"{WORDS[self.turn % 10]} {WORDS[self.turn // 10 % 10]} {self.turn}"
            data = {"csrf": self.csrf, "new": new, "again": new}
            answer = await self.client.post("/password", data=data)
            took = (time.perf_counter() - due) * 1000
        assert answer.status_code == 200 and "Your password is changed" in answer.text, answer.text
        return took


async def measured(url: str, names: list[str], rate: float, seconds: float) -> dict[str, float]:
    changers = [Changer(url, name) for name in names]
    for each in changers:
        await each.sign_in()
    began = time.perf_counter()
    tasks = []
    for number in range(round(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(changers[number % len(changers)].change(due)))
    took = sorted(await asyncio.gather(*tasks))
    whole = time.perf_counter() - began
    return {
        "changes": len(took),
        "per_s": round(len(took) / whole, 1),
        "median_ms": round(statistics.median(took), 1),
        "p95_ms": round(took[int(len(took) * 0.95)], 1),
        "p99_ms": round(took[int(len(took) * 0.99)], 1),
        "longest_ms": round(took[-1], 1),
        "load_before": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    names = [f"user{number}" for number in range(VISITORS)]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        service = Service(Path(folder), people=names, web=["password"])
        try:
            service.prepare()
            service.start()
            url = service.url("password")
            print(json.dumps(asyncio.run(measured(url, names, options.rate, options.seconds))))
        finally:
            service.close()


if __name__ == "__main__":
    main()
