"""Credentials for the local AWS, for a profile's `credential_process`: `credentials.py DIRECTORY`.

Stand-alone and quick, since each start of each tool runs it. It asks the server of DIRECTORY whether it is
there, and gives words in place of keys, which nobody checks.

When the server is not there, the tools must say so instead of retrying for minutes. A failing process would
not do: the AWS SDK for Go shows its exit status only. So the process succeeds, with our line as the
credentials' Version: botocore refuses the version and shows it, and the Go SDK, which wants a number there,
shows the whole output.
"""

import json
import socket
import sys
from pathlib import Path


def is_running(directory: str) -> bool:
    """Tell whether the server of this directory, and no other one, answers at its recorded port."""
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
        given = {"Version": 1, "AccessKeyId": "local", "SecretAccessKey": "local"}
    else:
        given = {"Version": "The local AWS is not running. Start it with: sagebridge local start"}
    sys.stdout.write(json.dumps(given))
