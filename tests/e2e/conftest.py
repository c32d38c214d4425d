"""Fixtures with the real service; see ``service.py``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from e2e.service import Service
from holdfast.run import certificate


@pytest.fixture
def make_service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Makes services of the test's own: ``make_service(config=…)`` is prepared and started."""
    made: list[Service] = []

    def make(*, started: bool = True, **keys: object) -> Service:
        made.append(Service(tmp_path / f"service-{len(made)}", **keys))  # type: ignore[arg-type]
        made[-1].prepare()
        if started:
            made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    """A service of the test's own, with the accounts anna, ben and cleo at example.org."""
    return make_service()


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all tests of a module: they must not mind each other's mail, nor restart it."""
    made = Service(tmp_path_factory.mktemp("service"))
    made.prepare()
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all tests, with 150 accounts: nobody restarts it, each test takes a ``person`` of its own."""
    made = Service(tmp_path_factory.mktemp("crowd"), people=[f"p{number}" for number in range(150)])
    tls = made.data / "tls"
    # mbsync insists on the name it connects to
    certificate.make(str(tls / "certificate.pem"), str(tls / "key.pem"), ["localhost"], time.time())
    made.prepare()
    made.start()
    yield made
    made.close()


_taken = count()


@pytest.fixture
def person(crowd: Service) -> str:
    """An account of ``crowd`` that nobody has used yet."""
    return crowd.people[next(_taken)]
