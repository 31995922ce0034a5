"""Shows a process its model at `/opt/ml/model` and its code at `/opt/ml/code`, where the system allows it.

Handlers, and programs that run instead of an image, name these paths, and the machine need not have them: a mount
namespace is this process's alone. The machine's own `/opt` stays what it is, and all that is in it, but for `/opt/ml`,
stays visible.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sagebridge.containers.launch import CODE_DIR, MODEL_DIR, Contract, Launch

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_MNT_DETACH = 2
"""Source of these: linux/sched.h and linux/mount.h."""
_OPT = Path("/opt")


def show(launch: Launch) -> Launch:
    """Mounts a single model's folders where AWS's containers have them, for this process, which must have one thread.

    Returns:
        The launch with the mounted folders. It is the same one for a multi-model container, which has other places,
        and where the system does not allow a mount, which standard error then says.
    """
    folders = {MODEL_DIR: launch.model_dir}
    if launch.contract == Contract.SCIKIT_LEARN:
        folders[CODE_DIR] = launch.code_dir
    if launch.is_multi_model or not mount(folders):
        return launch
    return launch._replace(model_dir=MODEL_DIR, code_dir=CODE_DIR if CODE_DIR in folders else f"{MODEL_DIR}/code")


def mount(folders: Mapping[str, str]) -> bool:
    """Mounts folders for this process, which must have one thread, and for the processes that it starts.

    Args:
        folders: the folders by the paths below `/opt/ml` at which they are to be.

    Returns:
        Whether they are there. They are not where the system does not allow a mount, which standard error then says.
    """
    if sys.platform != "linux":
        return False
    try:
        _mount_all(folders)
    except OSError as error:
        for target, folder in folders.items():
            sys.stderr.write(f"{target} is not there: this system allows no mount ({error}). See {folder}\n")
        return False
    return True


def _mount_all(folders: Mapping[str, str]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _unshare(libc)
    _mount(libc, None, Path("/"), None, _MS_REC | _MS_PRIVATE)
    with contextlib.ExitStack() as held:  # what is held open stays reachable when the new /opt hides the old one
        links = {entry: os.readlink(entry) for entry in _OPT.iterdir() if entry.is_symlink()}
        sources = {entry: _open(held, entry) for entry in _OPT.iterdir() if entry not in links}
        sources.pop(_OPT / "ml", None)
        sources.update({Path(target): _open(held, Path(folder)) for target, folder in folders.items()})
        _mount(libc, b"tmpfs", _OPT, b"tmpfs", 0)
        try:
            for link, destination in links.items():
                link.symlink_to(destination)
            for target, source in sources.items():
                _bind(libc, Path(f"/proc/self/fd/{source}"), target)
        except OSError:
            libc.umount2(os.fsencode(_OPT), _MNT_DETACH)
            raise


def _open(held: contextlib.ExitStack, path: Path) -> int:
    file = os.open(path, os.O_PATH | os.O_CLOEXEC)
    held.callback(os.close, file)
    return file


def _unshare(libc: ctypes.CDLL) -> None:
    """Gives this process mounts of its own: as root, or else in a user namespace in which it is who it was."""
    if os.geteuid() == 0:
        _check(libc.unshare(_CLONE_NEWNS))
        return
    user, group = os.geteuid(), os.getegid()
    _check(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _bind(libc: ctypes.CDLL, source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir(parents=True)
    else:
        target.touch()
    _mount(libc, os.fsencode(source), target, None, _MS_BIND | _MS_REC)


def _mount(libc: ctypes.CDLL, source: bytes | None, target: Path, kind: bytes | None, flags: int) -> None:
    _check(libc.mount(source, os.fsencode(target), kind, ctypes.c_ulong(flags), None))


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
