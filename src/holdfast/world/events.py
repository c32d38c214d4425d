"""Events of the package `world`."""

from __future__ import annotations

from holdfast.model.events import register

SESSION_FAILED = register(
    "session_failed",
    "error",
    "A session's code raised; its connection was closed with a temporary error.",
    "peer",
    "session",
    "error",
    "where",
)
CALLBACK_FAILED = register(
    "callback_failed",
    "error",
    "A callback or a task outside any session raised; the event loop went on.",
    "error",
    "where",
)
TLS_FAILED = register(
    "tls_failed",
    "info",
    "A TLS handshake did not come to an end; the connection was closed.",
    "peer",
    "error",
)
REQUEST_FAILED = register(
    "request_failed",
    "error",
    "A process could not answer a request of another of ours; the asker was told to try later.",
    "error",
    "where",
)
HTTP_FAILED = register(
    "http_failed",
    "error",
    "A web application raised; the client was answered 500, or its connection closed.",
    "path",
    "error",
    "where",
)
CERTIFICATE_TAKEN = register(
    "certificate_taken",
    "info",
    "A process serves a new certificate from now on; no connection ended.",
    "path",
)
CERTIFICATE_NOT_TAKEN = register(
    "certificate_not_taken",
    "error",
    "The files of certificate and key were changed and are no good; the ones from before are still served.",
    "path",
    "error",
)
FILE_SET_ASIDE = register(
    "file_set_aside",
    "error",
    "A small file was damaged and is set aside; what was under way in it begins anew.",
    "path",
    "error",
)
