"""Configurations of S3 buckets, answered as they were put, where moto's answers lack parts of them.

S3 answers each of these in the form in which it was put, and keeps what is empty in it; each entry names acceptance
tests of the AWS provider (v6.34.0, internal/service/s3) that show so. moto still checks what is put, and acts on it.
"""

import re
import uuid
from typing import Any

from moto.s3.exceptions import MissingInventoryConfig
from moto.s3.responses import S3Response

KEPT = {
    "lifecycle": "`Filter` and `Expiration`: TestAccS3BucketLifecycleConfiguration_EmptyFilter_NonCurrentVersions and "
    "…_RuleExpiration_emptyBlock",
    "logging": "`SimplePrefix`: TestAccS3BucketLogging_withTargetObjectKeyFormat",
    "replication": "`Filter`: TestAccS3BucketReplicationConfiguration_filter_emptyConfigurationBlock",
    "notification": "`EventBridgeConfiguration`: TestAccS3BucketNotification_eventbridge",
    "inventory": "`SSES3`: TestAccS3BucketInventory_encryptWithSSES3",
}
"""The configurations by the word of their queries, each with what is kept empty in it and the tests that show so."""
_HEADERS = ("x-amz-transition-default-minimum-object-size",)
"""Headers of a request that belong to its configuration."""
_WITH_ID = {"Rule": "ID", "TopicConfiguration": "Id", "QueueConfiguration": "Id", "CloudFunctionConfiguration": "Id"}
"""The elements to which S3 gives an ID unless they have one, and the names of their IDs."""
_ELEMENTS = re.compile(rf"<({'|'.join(_WITH_ID)})>(.*?)</\1>", re.DOTALL)
_moto_bucket_response = S3Response._bucket_response  # noqa: SLF001 - moto has no other place for it


def install() -> None:
    """Has moto's S3 answer these configurations as they were put."""
    MissingInventoryConfig.code = "NoSuchConfiguration"  # as S3 calls it, and the AWS provider looks for it
    S3Response._bucket_response = _bucket_response  # type: ignore[method-assign, assignment] # noqa: SLF001 - see above


def _bucket_response(response: S3Response, request: Any, url: str) -> Any:  # noqa: ANN401 - moto's types
    """Answers a request about a bucket as moto does, and keeps its configurations or answers with them."""
    if request.method == "DELETE" and "inventory" in request.args:
        return _delete_inventory(response, request)
    answer = _moto_bucket_response(response, request, url)
    word = next((word for word in KEPT if word in request.args), None)
    status, headers, _ = answer if isinstance(answer, tuple) else (200, {}, "")
    if word is None or status >= 300:  # noqa: PLR2004 - no success
        return answer
    configurations = vars(response.backend.get_bucket(response.bucket_name)).setdefault("put_configurations", {})
    key = (word, request.args.get("id"))
    if request.method == "PUT":
        content = response.body.decode() if isinstance(response.body, bytes) else response.body
        passed = {name: request.headers[name] for name in _HEADERS if name in request.headers}
        configurations[key] = (_ELEMENTS.sub(_with_id, content), passed)
        return status, headers | passed, ""
    if request.method == "DELETE":
        configurations.pop(key, None)
    elif key in configurations:
        content, passed = configurations[key]
        return status, headers | passed, content
    return answer


def _delete_inventory(response: S3Response, request: Any) -> tuple[int, dict[str, str], str]:  # noqa: ANN401 - moto's
    """Answers DeleteBucketInventoryConfiguration, which moto takes for DeleteBucket."""
    bucket = response.backend.get_bucket(response.parse_bucket_name_from_url(request, request.url))
    identifier = request.args.get("id")
    vars(bucket).get("put_configurations", {}).pop(("inventory", identifier), None)
    if bucket.inventory_configs.pop(identifier, None) is None:
        raise MissingInventoryConfig
    return 204, {}, ""


def _with_id(element: re.Match[str]) -> str:
    """Returns an element with an ID: its own, or a new one."""
    name, content = element[1], element[2]
    tag = _WITH_ID[name]
    added = "" if f"<{tag}>" in content else f"<{tag}>{uuid.uuid4()}</{tag}>"
    return f"<{name}>{added}{content}</{name}>"
