"""What the local AWS does not have: it is refused in one readable error that no SDK repeats.

boto3, the SDK of Go, and so both providers, repeat a request after a status of 500, 502, 503 or 504, and after the
error codes of throttling and of time-outs (botocore, `retries/standard.py`; aws-sdk-go-v2, `aws/retry/standard.go`).
Nothing here is answered so, because it would fail each time. The codes are those with which AWS answers an operation
that a service does not have: `UnknownOperationException`, in the Query protocol `InvalidAction`, and of S3
`NotImplemented` with the status 501, which the AWS provider takes for a feature that is missing.
"""

import http.client
import logging

from werkzeug.wrappers import Request, Response

from sagebridge.local import MOTO_VERSION
from sagebridge.local.protocols import call_of, error_answer, is_form, is_s3, service_of
from sagebridge.local.shapes import AwsError

log = logging.getLogger(__name__)
_CLOUDFORMATION = (
    "The local AWS has no CloudFormation, because what a template declares would not serve here. Declare the same "
    "resources with Pulumi or Terraform."
)
_MISSING_ACTION = "action has not been implemented"
"""The end of what moto raises for an operation that it lacks, and not only a part of it."""
_MISSING_IN_S3 = frozenset(
    {
        *(f"{verb}BucketAnalyticsConfiguration" for verb in ("Delete", "Get", "Put")),
        *(f"{verb}BucketIntelligentTieringConfiguration" for verb in ("Delete", "Get", "Put")),
        *(f"{verb}BucketMetricsConfiguration" for verb in ("Delete", "Get", "Put")),
        *(f"{verb}BucketMetadataConfiguration" for verb in ("Create", "Delete", "Get")),
        *(f"{verb}BucketMetadataTableConfiguration" for verb in ("Create", "Delete", "Get")),
        *(f"UpdateBucketMetadata{kind}TableConfiguration" for kind in ("Annotation", "Inventory", "Journal")),
        *(f"ListBucket{kind}Configurations" for kind in ("Analytics", "IntelligentTiering", "Metrics")),
        *(f"{verb}ObjectAnnotation" for verb in ("Delete", "Get", "Put")),
        *("GetBucketAbac", "PutBucketAbac", "GetBucketRequestPayment", "PutBucketRequestPayment"),
        *("CreateSession", "GetObjectRetention", "GetObjectTorrent", "ListObjectAnnotations", "RenameObject"),
        *("UpdateObjectEncryption", "WriteGetObjectResponse"),
    }
)
"""The operations of S3 that moto takes for others: DeleteBucketMetricsConfiguration, for one, for DeleteBucket."""


class MissingServiceError(Exception):
    """moto does not have the service that a request is for."""


def refuse(request: Request) -> Response | None:
    """Refuses what moto would answer wrongly; returns None for every other request."""
    if service_of(request) == "cloudformation":
        return _answer(request, _CLOUDFORMATION)
    if is_s3(request) and call_of(request).operation in _MISSING_IN_S3:
        return _answer(request, _missing(request))
    return None


def failed(request: Request, error: Exception) -> Response:
    """Returns the answer to a request that moto could not answer.

    Args:
        request: the request, with its body.
        error: what moto raised.
    """
    if isinstance(error, ImportError):
        return _answer(
            request,
            f"The local AWS needs a Python package for {service_of(request)} that is not installed: {error}. Install "
            f"it beside sagebridge with `pip install 'moto[all]=={MOTO_VERSION}'`, and start the local AWS again.",
        )
    if isinstance(error, MissingServiceError):
        return _answer(request, f"The local AWS has no service {service_of(request)}.")
    if isinstance(error, NotImplementedError):
        is_whole = str(error).endswith(_MISSING_ACTION)
        return _answer(request, _missing(request) if is_whole else f"{_missing_part(request)}: {error}")
    log.error("moto failed at %s", _operation(request), exc_info=error)
    message = f"moto, which answers for the local AWS, failed at {_operation(request)}: {type(error).__name__}: {error}"
    return error_answer(request, AwsError("InternalFailure", f"{message}. The log of the server has the traceback."))


def missing_operation(request: Request) -> Response:
    """Returns the answer to a request for an operation that moto does not have."""
    return _answer(request, _missing(request))


def _answer(request: Request, message: str) -> Response:
    log.warning("%s", message)
    if is_s3(request):
        return error_answer(request, AwsError("NotImplemented", message, http.client.NOT_IMPLEMENTED))
    return error_answer(
        request, AwsError("InvalidAction" if is_form(request) else "UnknownOperationException", message)
    )


def _missing(request: Request) -> str:
    return f"The local AWS has no {_operation(request)}: moto {MOTO_VERSION}, which answers here, does not have it."


def _missing_part(request: Request) -> str:
    return f"The local AWS does not serve all of {_operation(request)}, for which moto {MOTO_VERSION} answers here"


def _operation(request: Request) -> str:
    """Returns the service and the operation that a request asks for, or its method and path if it names none."""
    name = call_of(request).operation or f"{request.method} {request.path}"
    return f"{service_of(request)} {name}"
