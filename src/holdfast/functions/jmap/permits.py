"""How much of one thing an account may have at once."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

from holdfast.model.mail import AccountId
from holdfast.wire.jmap.errors import RequestError, RequestFault


class Permits:
    """``name``: the limit's, as the client is told it."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._held: Counter[AccountId] = Counter()

    @contextlib.contextmanager
    def one(self, account: AccountId) -> Iterator[None]:
        """Held within, and given back however that ends (JMAPD-12). Raises ``RequestError`` limit."""
        if self._held[account] >= self._most:
            text = f"At most {self._most} at a time; wait for one to be answered."
            raise RequestError(RequestFault.LIMIT, text, self._name)
        self._held[account] += 1
        try:
            yield
        finally:
            self._held[account] -= 1
            if not self._held[account]:
                del self._held[account]

    def __len__(self) -> int:
        return len(self._held)
