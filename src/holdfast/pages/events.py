"""Events of the package `pages`."""

from __future__ import annotations

from holdfast.model.events import register

PAGE_SERVED = register(
    "page_served",
    "debug",
    "A page was asked for and answered.",
    "function",
    "page",
    "method",
    "status",
    "seconds",
    "peer",
)
PAGE_FAILED = register(
    "page_failed",
    "error",
    "A page's code raised; the visitor was shown a page with the reference and nothing else.",
    "function",
    "path",
    "reference",
    "error",
    "where",
)
PAGE_UNAVAILABLE = register(
    "page_unavailable",
    "warn",
    "A page needed a component that is out of reach; the visitor was told what is safe and when to try.",
    "function",
    "path",
    "component",
    "text",
    "peer",
)
PAGE_FORGED = register(
    "page_forged",
    "info",
    "A form came without its token or from another site; nothing was done.",
    "function",
    "path",
    "peer",
    "why",
)
SIGN_OUT_NOT_KEPT = register(
    "sign_out_not_kept",
    "warn",
    "Who signed out could not be written down or read; sign-outs hold in their own process alone.",
    "path",
    "error",
)
