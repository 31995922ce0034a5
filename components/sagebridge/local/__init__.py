"""AWS on this machine: moto for S3, IAM and the rest, and the part of SageMaker that moto lacks.

`README.md` says what is faithful to AWS and what is not.
"""

from sagebridge.errors import UserError as LocalError

__all__ = ["ACCOUNT", "CONTROL_PATH", "FAULTS", "MOTO_VERSION", "PORT", "REGION", "LocalError"]

MOTO_VERSION = "5.2.5"  # the only moto whose insides `store.py` was written for
ACCOUNT = "123456789012"  # moto's default account
REGION = "us-east-1"
PORT = 5555  # the usual port; a free one is taken when it is in use
CONTROL_PATH = "/_local"  # no S3 bucket's name can start with an underscore

FAULTS = {
    "throttle": "AWS answers that there were too many requests",
    "latency": "AWS waits --seconds before it answers",
    "error": "AWS answers with an internal error (5xx)",
    "s3": "S3 refuses, to callers and when an endpoint fetches its model",
    "ping": "a new deployment's container does not pass the health check",
    "capacity": "a new deployment, or more instances, finds no instances",
    "rollback": "an update ends InService on the old configuration, silently",
    "slow": "a deployment takes --seconds longer",
}
