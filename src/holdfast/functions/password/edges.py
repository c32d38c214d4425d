"""Words of the self-service pages; what they reach, they reach through others."""

from __future__ import annotations

from holdfast.model.edges import register_word

register_word("export")
