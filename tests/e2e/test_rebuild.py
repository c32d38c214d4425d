"""Indexes are made from the packs: taken away, they come back the same; a bad frame costs one message."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def test_a_new_installation_has_its_mailboxes_as_soon_as_it_says_it_is_ready(service):
    for name in service.people:
        assert service.subjects(name) == []

