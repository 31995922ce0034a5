"""Tags whose keys begin with `aws:`, which AWS keeps for itself, in any case of letters: each service refuses them.

Source: AWS Tagging Best Practices, "Tag naming limits and requirements". The words are those of SageMaker
(aws/sagemaker-python-sdk#1301), and those that most services share (awslabs/generative-ai-cdk-constructs#1328).
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.wrappers import Request, Response

from sagebridge.local.cloudwatch.cbor import body_of, decode
from sagebridge.local.protocols import call_of, error_answer, is_cbor, is_form, is_s3, read_body, service_of, target
from sagebridge.local.shapes import AwsError

_PREFIX = "aws:"
_MESSAGE = "aws: prefixed tag key names are not allowed for external use."
_CODES = {
    "application-autoscaling": "ValidationException",
    "ecr": "InvalidTagParameterException",
    "iam": "InvalidInput",
    "kms": "TagException",
    "logs": "InvalidParameterException",
    "s3": "InvalidTag",
    "sns": "InvalidParameter",
}
"""The code with which a service refuses a tag, as botocore documents it; of others it is not known."""
_FORM_KEY = re.compile(r"(^|\.)(Tags?(\.\w+)?\.\d+\.(Tag)?Key|TagKeys?(\.\w+)?\.\d+)")
"""The names under which the keys of tags are in the Query protocol."""
_XML_KEY = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)
_TAGGING_IN_S3 = ("CreateBucket", "PutBucketTagging", "PutObjectTagging")
"""The operations of S3 whose bodies have tags."""
_MEMBERS = ("Tags", "tags", "TagKeys", "tagKeys")
"""The members that hold tags, or keys of tags, in the other protocols."""


def refuse(request: Request) -> Response | None:
    """Refuses a request that adds or removes a tag of AWS's own; returns None for every other request."""
    for key in _tag_keys(request):
        if key.lower().startswith(_PREFIX):
            return error_answer(request, _error(request, key))
    return None


def _error(request: Request, key: str) -> AwsError:
    service = service_of(request)
    if service == "sagemaker" or target(request).startswith("SageMaker."):
        return AwsError("ValidationException", f"System prefix 'aws:' reserved for AWS usage in tag key: {key}")
    unknown = "InvalidParameterValue" if is_form(request) or is_cbor(request) else "ValidationException"
    return AwsError(_CODES.get(service, unknown), _MESSAGE)


def _tag_keys(request: Request) -> Iterator[str]:
    """Yields the keys of the tags that a request adds or removes."""
    if is_s3(request):
        yield from (key for key, _ in parse_qsl(request.headers.get("x-amz-tagging", "")))
        if call_of(request).operation in _TAGGING_IN_S3:
            yield from _XML_KEY.findall(read_body(request).decode(errors="replace"))
    elif is_form(request):
        pairs = parse_qsl(read_body(request).decode(errors="replace"))
        yield from (value for name, value in pairs if _FORM_KEY.fullmatch(name))
    elif members := _members(request):
        for name in _MEMBERS:
            yield from _keys(members.get(name))


def _members(request: Request) -> dict[str, Any]:
    """Returns the members of a request that has a document; none for one that cannot be read, and is refused later."""
    if not is_cbor(request) and not target(request):
        return {}
    body = read_body(request)
    try:
        members = decode(body_of(request)) if is_cbor(request) else json.loads(body)
    except (ValueError, RecursionError, AwsError):
        return {}
    return members if isinstance(members, dict) else {}


def _keys(tags: object) -> Iterator[str]:
    """Yields the keys of tags in whichever form a service takes them: a map, a list of tags, or one of keys."""
    if isinstance(tags, dict):
        yield from tags
    elif isinstance(tags, list):
        for tag in tags:
            key = tag.get("Key", tag.get("TagKey")) if isinstance(tag, dict) else tag
            if isinstance(key, str):
                yield key
