"""Credentials for the local AWS, for the `credential_process` of its profile: `credentials.py DIRECTORY`.

This program stands alone and is quick, because each start of each tool runs it. It asks the server of DIRECTORY
whether it runs, and prints words in place of keys, which nobody checks.

When the server does not run, the tools must say so instead of retrying for minutes. An exit status would not do: the
AWS SDK for Go shows nothing else of a process that fails. So the process succeeds, with our message as the Version of
the credentials: botocore refuses the version and shows it, and the Go SDK, which expects a number, shows the whole
output.
"""

import json
import socket
import sys
from pathlib import Path


def is_running(directory: str) -> bool:
    """Returns whether the server of this folder, and no other, answers at its recorded port."""
    try:
        recorded = json.loads((Path(directory) / "server.json").read_text())
        with socket.create_connection(("127.0.0.1", recorded["port"]), timeout=5) as server:
            server.sendall(b"GET /_local HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            answer = b""
            while chunk := server.recv(4096):
                answer += chunk
        return bool(json.loads(answer.split(b"\r\n\r\n", 1)[1])["directory"] == directory)
    except (OSError, ValueError, LookupError, TypeError):
        return False


if __name__ == "__main__":
    if is_running(sys.argv[1]):
        credentials = {"Version": 1, "AccessKeyId": "local", "SecretAccessKey": "local"}
    else:
        credentials = {"Version": "The local AWS is not running. Start it with: sagebridge local start"}
    sys.stdout.write(json.dumps(credentials))
