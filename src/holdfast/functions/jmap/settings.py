"""Settings: what the webmail keeps for itself, one JSON object of an account. Vendor capability."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar, Final

from holdfast.functions.jmap.asking import Ask, Handler
from holdfast.functions.jmap.objects import Batch, Kind, Stored, encode
from holdfast.model.limits import JMAP_SETTINGS_BYTES
from holdfast.store import AccountMail
from holdfast.wire.jmap import vendor
from holdfast.wire.jmap.core import Json
from holdfast.wire.jmap.errors import SetFault, SetRefused

SINGLETON: Final = "singleton"


class Settings(Kind):
    """There is one, always; its properties are whatever the program sets."""

    name: ClassVar[str] = "Settings"
    settable: ClassVar[Mapping[str, object]] = {}
    open: ClassVar[bool] = True
    most: ClassVar[int] = 1

    def find(self, ask: Ask, mail: AccountMail, object_id: str) -> Stored | None:
        if object_id != SINGLETON:
            return None
        return super().find(ask, mail, object_id) or Stored(SINGLETON, {}, 0)

    def all(self, ask: Ask, mail: AccountMail) -> dict[str, Stored]:
        found = self.find(ask, mail, SINGLETON)
        return {} if found is None else {SINGLETON: found}

    def by_itself(self, ask: Ask) -> Collection[str]:
        return (SINGLETON,)

    async def check(self, batch: Batch, old: Stored | None, value: Json) -> Json:
        if old is None:
            raise SetRefused(SetFault.SINGLETON, "There is one already: change it.")
        if (size := len(encode(value))) > JMAP_SETTINGS_BYTES:
            text = f"Settings may have {JMAP_SETTINGS_BYTES} bytes; these would have {size}."
            raise SetRefused(SetFault.TOO_LARGE, text)
        return value

    async def check_destroy(self, batch: Batch, old: Stored) -> None:
        raise SetRefused(SetFault.SINGLETON, "Settings can be changed, not destroyed.")


SETTINGS: Final = Settings()

METHODS: Final = {name: it for name, it in vendor.METHODS.items() if name.startswith("Settings/")}
KINDS: Final = (Settings.name,)
HANDLERS: Final[dict[str, Handler]] = SETTINGS.handlers()
