"""Whether so many accounts may be gone: the rule of PEOPLE-4, as a function of the ledger.

A directory that suddenly knows far fewer people is more often broken than right. So the
fold keeps the high-water mark of active accounts over the last hour of ledger time, and
when fewer than 80 % of it are left without an announcement, those who left are not
believed to be gone until an operator announces them.
"""

from __future__ import annotations

import msgspec

from holdfast.model.limits import BULK_LEAST, BULK_SHARE, BULK_WINDOW_S


class Shrinking(msgspec.Struct):
    """Counts active accounts through the ledger's time. Kept as one value beside the position.

    ``marks``: minute → most active in it. ``doubted_mark``: the high-water mark that fell,
    0 when all is believed; accounts that left since ``doubted_since`` are the batch.
    """

    active: int = 0
    at: float = 0.0
    marks: dict[int, int] = {}
    allowance: int = 0
    allowance_until: float = 0.0
    doubted_mark: int = 0
    doubted_since: float = 0.0
    believed_at: float = 0.0

    def _advance(self, at: float) -> None:
        """Ledger time goes forward only, whatever the writer's clock did."""
        self.at = max(self.at, at)
        minute = int(self.at // 60)
        if minute not in self.marks:
            oldest = minute - int(BULK_WINDOW_S // 60)
            self.marks = {m: most for m, most in self.marks.items() if m > oldest}
            self.marks[minute] = self.active

    def joined(self, at: float) -> None:
        """One more is active."""
        self._advance(at)
        self.active += 1
        minute = int(self.at // 60)
        if self.active > self.marks[minute]:
            self.marks[minute] = self.active
        if self.doubted_mark and self.active >= BULK_SHARE * self.doubted_mark:
            self._believe()

    def left(self, at: float) -> bool:
        """One is active no more; True when that was announced."""
        self._advance(at)
        self.active -= 1
        if self.allowance > 0 and self.at <= self.allowance_until:
            self.allowance -= 1
            for minute in self.marks:
                self.marks[minute] -= 1
            return True
        top = max(self.marks.values())
        if not self.doubted_mark and self.active < BULK_SHARE * top and top - self.active >= BULK_LEAST:
            self.doubted_mark = top
            self.doubted_since = max(self.at - BULK_WINDOW_S, self.believed_at)
        return False

    def announced(self, count: int, at: float) -> None:
        """Explains up to ``count`` who left; what is over may leave within the next hour."""
        self._advance(at)
        if self.doubted_mark:
            explained = min(count, self.doubted_mark - self.active)
            self.doubted_mark -= explained
            count -= explained
            if self.active >= BULK_SHARE * self.doubted_mark:
                self._believe()
        self.allowance = count + (self.allowance if self.at <= self.allowance_until else 0)
        self.allowance_until = self.at + BULK_WINDOW_S

    def fallen(self, now: float) -> int:
        """How many of the past hour's most active are active no more and weren't announced; ``now``: UTC."""
        first = int((now - BULK_WINDOW_S) // 60) + 1
        return max((most for m, most in self.marks.items() if m >= first), default=self.active) - self.active

    @property
    def unexplained(self) -> int:
        """How many an announcement has to name, 0 when all is believed."""
        return max(0, self.doubted_mark - self.active) if self.doubted_mark else 0

    def _believe(self) -> None:
        self.doubted_mark = 0
        self.doubted_since = 0.0
        self.believed_at = self.at
        self.marks = {int(self.at // 60): self.active}
