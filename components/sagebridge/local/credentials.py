"""Credentials for the local AWS, for the `credential_process` of its profile: `credentials.py DIRECTORY`.

This program stands alone and imports next to nothing, because each start of each tool runs it: Python's own start is
most of its time. It looks whether the server of DIRECTORY runs, and prints words in place of keys, which nobody
checks.

When the server does not run, the tools must say so instead of retrying for minutes. An exit status would not do: the
AWS SDK for Go shows nothing else of a process that fails. So the process succeeds, with our message as the Version of
the credentials: botocore refuses the version and shows it, and the Go SDK, which expects a number, shows the whole
output.
"""

import fcntl
import sys

NOT_RUNNING = "The local AWS is not running. Start it with: sagebridge local start"


def is_locked(directory: str) -> bool:
    """Returns whether a server lives: the kernel releases its lock when the process ends, however it ends."""
    try:
        with open(f"{directory}/lock", "rb") as lock:  # noqa: PTH123 - the import of pathlib takes 10 ms
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def is_running(directory: str) -> bool:
    """Returns whether the server of this folder lives and has said where it listens.

    A server that is busy is not asked, so it is not taken for one that does not run.
    """
    try:
        with open(f"{directory}/server.json", "rb"):  # noqa: PTH123 - as above
            return is_locked(directory)
    except OSError:
        return False


if __name__ == "__main__":
    if is_running(sys.argv[1]):
        sys.stdout.write('{"Version": 1, "AccessKeyId": "local", "SecretAccessKey": "local"}')
    else:
        sys.stdout.write(f'{{"Version": "{NOT_RUNNING}"}}')
