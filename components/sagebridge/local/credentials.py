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

CREDENTIALS = '{"Version": 1, "AccessKeyId": "local", "SecretAccessKey": "local"}'
NOT_RUNNING = '{"Version": "The local AWS is not running. Start it with: sagebridge local start"}'


def is_running(directory: str) -> bool:
    """Returns whether the server of this folder runs, and has said where: it holds a lock for as long as it lives.

    A server that is busy is not asked, so it is not taken for one that does not run.
    """
    try:
        with open(f"{directory}/server.json", "rb"), open(f"{directory}/lock", "rb") as lock:  # noqa: PTH123 - pathlib takes 10 ms
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


if __name__ == "__main__":
    sys.stdout.write(CREDENTIALS if is_running(sys.argv[1]) else NOT_RUNNING)
