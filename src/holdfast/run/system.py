"""What a service asks of the operating system about itself: user, descriptors, name, parent."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import pwd
import resource
import signal
from functools import cache
from importlib import metadata

from holdfast.model.errors import Reason, Refused

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
DESCRIPTORS = 1_048_576


def raise_descriptor_limit() -> int:
    """As many descriptors as the machine allows: each connection is one. Returns the limit now in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wish in (DESCRIPTORS, hard):
        if wish in (resource.RLIM_INFINITY, soft):
            continue
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(wish, soft), max(wish, hard)))
            break
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def become(user: str) -> None:
    """Drops to ``user`` for good, groups first. Does nothing for '' or when not root. Raises ``Refused``."""
    if not user or os.geteuid() != 0:
        return
    entry = find_user(user)
    os.initgroups(user, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ["HOME"] = entry.pw_dir


def find_user(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(user)
    except KeyError:
        raise Refused(
            Reason.NO_SUCH_USER,
            f"service.user: no user '{user}' on this machine. On Debian: "
            f"adduser --system --group --home /var/lib/holdfast {user}",
        ) from None


def make_folder(path: str, user: str = "") -> None:
    """A folder for the service alone (0700), belonging to ``user`` when root makes it."""
    if os.path.isdir(path):
        return
    make_parents(path)
    os.makedirs(path, mode=0o700, exist_ok=True)
    give(path, user)


def make_parents(path: str) -> None:
    """The folders above ``path``, for everybody to pass."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)


def give(path: str, user: str) -> None:
    """Makes ``path`` belong to ``user``, when root asks."""
    if user and os.geteuid() == 0:
        entry = find_user(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def die_with_parent(parent: int) -> None:
    """The kernel kills this process when its parent is gone, however that went (RUN-4).

    Called after privileges are dropped: a change of user forgets the setting (prctl(2)).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died between the fork and this line
        os._exit(1)


def set_name(name: str) -> None:
    """What ``ps -o comm`` and ``top`` show, 15 bytes."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def lock_file(path: str) -> int | None:
    """Opens and locks a file until this process ends. Its descriptor, or None when another holds it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


@cache
def version() -> str:
    """Of what runs; "0" from a checkout that was never installed.

    Asked by the supervisor before it forks: whoever it starts runs what it has loaded, whatever
    was installed since.
    """
    try:
        return metadata.version("holdfast")
    except metadata.PackageNotFoundError:
        return "0"
