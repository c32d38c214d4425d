"""How fast the admin interface of the real service imports accounts and pages through them.

    python bench/administration.py [--accounts 100000] [--output bench/results/administration.json]

One JSON object, times in seconds or milliseconds as their names say: the report of an import, the import
itself (ready credentials), then pages of every list, each asked for by its own request over loopback.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from e2e.service import DOMAIN, Service

CREDENTIAL = f"$argon2id$v=19$m=19456,t=2,p=1${'A' * 22}${'A' * 43}"
LISTS = {
    "accounts": "/v1/accounts?limit=100",
    "accounts_1000": "/v1/accounts?limit=1000",
    "accounts_of_a_domain": f"/v1/accounts?limit=100&domain={DOMAIN}",
    "accounts_that_begin_so": "/v1/accounts?limit=100&q=p0",
    "accounts_in_a_rare_state": "/v1/accounts?limit=100&state=disabled",
    "customers": "/v1/customers?limit=100",
    "audit": "/v1/audit?limit=100",
}
PAGES = 100


class Interface:
    def __init__(self, service: Service) -> None:
        self.service = service
        done = service.holdfast("admin", "token", f"anna@{DOMAIN}", "--json")
        self.token = json.loads(done.stdout)["token"]

    def ask(self, path: str, content: bytes | None = None) -> Any:
        url = f"http://127.0.0.1:{self.service.ports['admin_http']}{path}"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "text/csv"}
        request = urllib.request.Request(url, data=content, headers=headers)
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.loads(answer.read())

    def imported(self, count: int) -> dict[str, float]:
        lines = "".join(f'p{number:06}@{DOMAIN},Person {number},"{CREDENTIAL}"\n' for number in range(count))
        content = f"address,name,credential\n{lines}".encode()
        began = time.perf_counter()
        digest = self.ask("/v1/imports", content)["digest"]
        reported = time.perf_counter() - began
        began = time.perf_counter()
        report = self.ask(f"/v1/imports?digest={digest}", content)
        while report["state"] == "running":
            time.sleep(0.1)
            report = self.ask(f"/v1/imports/{digest}")
        assert report["made"] == count, report
        return {"report_s": round(reported, 2), "import_s": round(time.perf_counter() - began, 2)}

    def pages_ms(self, path: str) -> Iterator[float]:
        """Of each page, up to PAGES of them."""
        cursor = ""
        for _ in range(PAGES):
            began = time.perf_counter()
            page = self.ask(f"{path}&cursor={cursor}")
            yield (time.perf_counter() - began) * 1e3
            cursor = page["next"]
            if not cursor:
                return


def measured(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(folder), web=("admin",))
        try:
            service.prepare()
            interface = Interface(service)
            service.start()
            found: dict[str, Any] = {"accounts": count, **interface.imported(count)}
            for name, path in LISTS.items():
                times = sorted(interface.pages_ms(path))
                found[f"{name}_median_ms"] = round(times[len(times) // 2], 1)
                found[f"{name}_slowest_ms"] = round(times[-1], 1)
            return found
        finally:
            service.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--output", default="")
    options = parser.parse_args()
    text = json.dumps(measured(options.accounts), indent=1)
    print(text)
    if options.output:
        Path(options.output).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
