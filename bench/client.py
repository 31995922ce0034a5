"""A client as a process of its own: `python -m bench.client URL CALLS`, which imports no more than a client needs.

It reads a request from standard input, says that it is ready, begins with the next line, and prints the seconds of each
call as JSON.
"""

import json
import sys
import time

import boto3

if __name__ == "__main__":
    url, calls = sys.argv[1:]
    body = sys.stdin.readline().encode()
    session = boto3.Session("local", "local", region_name="us-east-1")
    runtime = session.client("sagemaker-runtime", endpoint_url=url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    took = []
    for _ in range(int(calls)):
        before = time.perf_counter()
        runtime.invoke_endpoint(EndpointName="bench", ContentType="application/json", Body=body)["Body"].read()
        took.append(time.perf_counter() - before)
    sys.stdout.write(json.dumps(took))
