"""Configurations of S3 buckets come back as they were put, also what is empty in them."""

from typing import Any, NamedTuple

import pytest

from sagebridge.local.bucket_configurations import KEPT
from tests.local.account import Account

pytestmark = pytest.mark.server

LOGS = "arn:aws:s3:::logs-of-others"
LOGGING = {"TargetBucket": "logs-of-others", "TargetPrefix": "log/"}
INVENTORY = {"Id": "i", "IsEnabled": True, "IncludedObjectVersions": "Current", "Schedule": {"Frequency": "Daily"}}


class Kept(NamedTuple):
    """A configuration that is put, and comes back."""

    name: str
    """The word of its queries."""
    member: str
    """The member of the requests and of the answers that holds it; nothing for those that are the whole answer."""
    content: dict[str, Any]
    """The configuration."""


def rule(**members: object) -> dict[str, Any]:
    return {"Rules": [{"ID": "a", "Status": "Enabled", **members}]}


def replica(destination: dict[str, Any] | None = None, **members: object) -> dict[str, Any]:
    deletion = {"DeleteMarkerReplication": {"Status": "Enabled"}}
    content = rule(Priority=1, Destination={"Bucket": LOGS, **(destination or {})}, **deletion, **members)
    return {"Role": "arn:aws:iam::123456789012:role/replicator", **content}


def stored(encryption: dict[str, Any]) -> dict[str, Any]:
    bucket = {"Bucket": LOGS, "Format": "CSV", "Encryption": encryption}
    return {**INVENTORY, "Destination": {"S3BucketDestination": bucket}}


CONFIGURATIONS = [
    Kept("lifecycle", "", rule(Filter={}, NoncurrentVersionExpiration={"NoncurrentDays": 30})),
    Kept("lifecycle", "", rule(Filter={"Prefix": "p/"}, Expiration={})),
    Kept("lifecycle", "", rule(Filter={"Prefix": ""}, Expiration={"Days": 1})),
    Kept("lifecycle", "", rule(Filter={"Tag": {"Key": "k", "Value": ""}}, Expiration={"Days": 1})),
    Kept(
        "lifecycle", "", rule(Filter={"ObjectSizeGreaterThan": 1}, Transitions=[{"StorageClass": "GLACIER", "Days": 1}])
    ),
    Kept("logging", "LoggingEnabled", {**LOGGING, "TargetObjectKeyFormat": {"SimplePrefix": {}}}),
    Kept(
        "logging",
        "LoggingEnabled",
        {**LOGGING, "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}},
    ),
    Kept("replication", "ReplicationConfiguration", replica(Filter={})),
    Kept(
        "replication", "ReplicationConfiguration", replica({"Metrics": {"Status": "Enabled"}}, Filter={"Prefix": "p"})
    ),
    Kept("notification", "", {"EventBridgeConfiguration": {}}),
    Kept("inventory", "InventoryConfiguration", stored({"SSES3": {}})),
    Kept("inventory", "InventoryConfiguration", stored({"SSEKMS": {"KeyId": "key"}})),
]


@pytest.fixture(scope="module")
def bucket(account: Account) -> str:
    account.s3.create_bucket(Bucket="logs-of-others")
    bucket = account.name("configured")
    for name in (bucket, "logs-of-others"):
        if name == bucket:
            account.s3.create_bucket(Bucket=name)
        account.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    deliver = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Principal": '
        '{"Service": "logging.s3.amazonaws.com"}, "Resource": "arn:aws:s3:::logs-of-others/*"}]}'
    )
    account.s3.put_bucket_policy(Bucket="logs-of-others", Policy=deliver)
    return bucket


def put(account: Account, bucket: str, kept: Kept, **members: object) -> None:
    where = {"Bucket": bucket}
    if kept.name == "lifecycle":
        account.s3.put_bucket_lifecycle_configuration(**where, LifecycleConfiguration=kept.content, **members)
    elif kept.name == "logging":
        account.s3.put_bucket_logging(**where, BucketLoggingStatus={kept.member: kept.content})
    elif kept.name == "replication":
        account.s3.put_bucket_replication(**where, ReplicationConfiguration=kept.content)
    elif kept.name == "notification":
        account.s3.put_bucket_notification_configuration(**where, NotificationConfiguration=kept.content)
    else:
        account.s3.put_bucket_inventory_configuration(**where, Id="i", InventoryConfiguration=kept.content)


def get(account: Account, bucket: str, name: str) -> dict[str, Any]:
    readers = {
        "lifecycle": account.s3.get_bucket_lifecycle_configuration,
        "logging": account.s3.get_bucket_logging,
        "replication": account.s3.get_bucket_replication,
        "notification": account.s3.get_bucket_notification_configuration,
        "inventory": account.s3.get_bucket_inventory_configuration,
    }
    answer: dict[str, Any] = readers[name](Bucket=bucket, **({"Id": "i"} if name == "inventory" else {}))
    return answer


def test_each_kind_is_tried() -> None:
    assert {kept.name for kept in CONFIGURATIONS} == KEPT.keys()


@pytest.mark.parametrize("kept", CONFIGURATIONS, ids=lambda kept: f"{kept.name}: {kept.content}"[:60])
def test_a_configuration_comes_back_as_it_was_put(account: Account, bucket: str, kept: Kept) -> None:
    put(account, bucket, kept)
    answer = get(account, bucket, kept.name)
    found = answer[kept.member] if kept.member else {name: answer[name] for name in kept.content}
    assert found == kept.content


def test_a_rule_without_an_id_gets_one_and_keeps_it(account: Account, bucket: str) -> None:
    content = {"Rules": [{"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]}
    put(account, bucket, Kept("lifecycle", "", content))
    first, second = (get(account, bucket, "lifecycle")["Rules"][0]["ID"] for _ in range(2))
    assert first
    assert first == second


def test_the_size_from_which_objects_move_is_kept(account: Account, bucket: str) -> None:
    size = "varies_by_storage_class"
    put(account, bucket, CONFIGURATIONS[0], TransitionDefaultMinimumObjectSize=size)
    assert get(account, bucket, "lifecycle")["TransitionDefaultMinimumObjectSize"] == size


def test_what_is_deleted_or_replaced_does_not_come_back(account: Account, bucket: str) -> None:
    s3 = account.s3
    for kept in CONFIGURATIONS:
        put(account, bucket, kept)
    s3.delete_bucket_lifecycle(Bucket=bucket)
    s3.delete_bucket_replication(Bucket=bucket)
    s3.delete_bucket_inventory_configuration(Bucket=bucket, Id="i")
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    for name in ("lifecycle", "replication", "inventory"):
        with pytest.raises(s3.exceptions.ClientError, match=r"NoSuch|NotFound"):
            get(account, bucket, name)
    assert "LoggingEnabled" not in get(account, bucket, "logging")
    assert "EventBridgeConfiguration" not in get(account, bucket, "notification")
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchConfiguration"):
        s3.delete_bucket_inventory_configuration(Bucket=bucket, Id="i")
