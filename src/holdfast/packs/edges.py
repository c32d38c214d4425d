"""Words of the package `packs`. Who writes and reads which ledger is for those to say who do."""

from __future__ import annotations

from holdfast.model.edges import register_word

register_word("volume-{volume}/{ledger}", "ledger/{ledger}")
