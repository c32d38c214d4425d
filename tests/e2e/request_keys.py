"""For schemathesis: a client draws a new Idempotency-Key for each request, as the document asks.

Not where a header is left out on purpose: what a hook has edited counts as a whole request, and
schemathesis then sends along the Authorization whose lack it was about to try.
"""

from __future__ import annotations

import uuid
from typing import Any

import schemathesis
from schemathesis.generation.meta import CoverageScenario


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if not _lacks_a_header(case) and case.headers and case.headers.get("Idempotency-Key"):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())


def _lacks_a_header(case: Any) -> bool:
    data = case.meta.phase.data if case.meta else None
    return getattr(data, "scenario", None) == CoverageScenario.MISSING_PARAMETER
