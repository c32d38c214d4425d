"""`holdfast serve`, and nothing else: after a crash mail waits for whatever is loaded here."""

from __future__ import annotations

import os


def serve(config_path: str | None) -> None:
    """Until it is told to stop. ``config_path``: as --config has it. Raises ``Refused``."""
    from holdfast.run import reading, roles

    path = reading.find(config_path, os.environ)
    roles.serve(reading.load(path, os.environ), reload=lambda: reading.load(path, os.environ))
