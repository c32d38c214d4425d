"""Builds the webmail when a wheel or an sdist is made: hatchling calls this (pyproject.toml).

An sdist carries the built files, so installing from one needs neither Node.js nor the npm registry.
An editable install doesn't build: `make run` and `.ci/webmail` do.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))
import build


class WebmailHook(BuildHookInterface):  # type: ignore[type-arg]
    def dependencies(self) -> list[str]:
        """Node.js as a wheel, in the build's own environment alone, if it is needed at all."""
        if not build.wanted() or build.fresh() or build.system_node():
            return []
        return [build.NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        if not build.wanted():
            self.app.display_warning("HOLDFAST_BUILD_WEBMAIL=0: this package has no webmail")
            return
        try:
            self.app.display_info(build.build())
        except build.CannotBuild as error:
            # pip hides what a hook prints and shows its last words: these.
            raise SystemExit(f"\nholdfast: the webmail can't be built: {error}") from None
