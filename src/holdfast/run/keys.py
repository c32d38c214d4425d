"""The service's own keys: random bytes in ``keys/`` of the data folder, made when first asked for."""

from __future__ import annotations

import contextlib
import os

from holdfast.model.errors import Unavailable
from holdfast.run import layout, system
from holdfast.run.config import Config

KEY_BYTES = 32
PAGES = "pages"  # seals what browsers keep: sessions, notices, ways back from a form


def key_of(config: Config, name: str) -> bytes:
    """The key of that name. Two processes that make it at once get the same.

    Raises ``Unavailable("keys")`` when it can't be read or made, or was cut short.
    """
    path = layout.key_path(config, name)
    try:
        if not os.path.exists(path):
            _make(path, config.service.user)
        with open(path, "rb") as file:
            key = file.read()
    except OSError as error:
        raise Unavailable("keys", f"{path}: {error.strerror or error}") from error
    if len(key) < KEY_BYTES:
        raise Unavailable("keys", f"{path}: shorter than {KEY_BYTES} bytes; delete it, and all sign in anew")
    return key


def _make(path: str, user: str) -> None:
    """Whole or not at all, and never over another: a link fails where a file is."""
    system.make_folder(os.path.dirname(path), user)
    temporary = f"{path}.new-{os.urandom(6).hex()}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, os.urandom(KEY_BYTES))
        os.fsync(fd)
    finally:
        os.close(fd)
    try:
        system.give(temporary, user)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
