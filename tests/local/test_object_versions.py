"""The versions of S3 objects, and that every bucket can be emptied and deleted as Terraform and the console do it."""

from typing import Any

import pytest

from tests.local.account import Account

pytestmark = pytest.mark.server


def make(account: Account, status: str | None) -> str:
    """Makes a bucket with a status of versioning; returns its name."""
    bucket = account.name("versions")
    account.s3.create_bucket(Bucket=bucket)
    if status:
        set_status(account, bucket, status)
    return bucket


def set_status(account: Account, bucket: str, status: str) -> None:
    account.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def versions(account: Account, bucket: str) -> list[dict[str, str]]:
    """Returns the versions and the delete markers of a bucket, as DeleteObjects takes them."""
    listed = account.s3.list_object_versions(Bucket=bucket)
    both: list[Any] = listed.get("Versions", []) + listed.get("DeleteMarkers", [])
    return [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in both]


def put(account: Account, bucket: str, body: bytes) -> None:
    account.s3.put_object(Bucket=bucket, Key="key", Body=body)


@pytest.mark.parametrize("before", [None, "Enabled", "Suspended"])
@pytest.mark.parametrize("after", ["Enabled", "Suspended"])
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_bucket_in_which_an_object_was_deleted_is_emptied_and_deleted(
    account: Account, before: str | None, after: str, times: int, *, at_once: bool
) -> None:
    bucket = make(account, before)
    for turn in range(times):
        put(account, bucket, str(turn).encode())
        account.s3.delete_object(Bucket=bucket, Key="key")
    set_status(account, bucket, after)
    objects = versions(account, bucket)
    if at_once and objects:
        answer = account.s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
        assert len(answer["Deleted"]) == len(objects)
    else:
        for version in objects:
            account.s3.delete_object(Bucket=bucket, **version)
    assert not versions(account, bucket)
    account.s3.delete_bucket(Bucket=bucket)


def test_a_bucket_whose_versioning_is_suspended_keeps_the_versions_that_it_has(account: Account) -> None:
    bucket = make(account, "Enabled")
    put(account, bucket, b"one")
    put(account, bucket, b"two")
    ids = {version["VersionId"] for version in versions(account, bucket)}
    set_status(account, bucket, "Suspended")
    put(account, bucket, b"three")
    put(account, bucket, b"four")
    assert {version["VersionId"] for version in versions(account, bucket)} == ids | {"null"}
    assert account.s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"four"
    assert account.s3.head_object(Bucket=bucket, Key="key", VersionId="null")["ContentLength"] == len(b"four")
    answer = account.s3.delete_object(Bucket=bucket, Key="key")
    assert (answer["DeleteMarker"], answer["VersionId"]) == (True, "null")
    assert {version["VersionId"] for version in versions(account, bucket)} == ids | {"null"}
    with pytest.raises(account.s3.exceptions.NoSuchKey):
        account.s3.get_object(Bucket=bucket, Key="key")
    account.s3.delete_object(Bucket=bucket, Key="key", VersionId="null")
    assert account.s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"two"


def test_an_object_from_before_versioning_is_replaced_when_versioning_is_suspended(account: Account) -> None:
    bucket = make(account, None)
    put(account, bucket, b"before")
    set_status(account, bucket, "Suspended")
    put(account, bucket, b"after")
    assert [version["VersionId"] for version in versions(account, bucket)] == ["null"]
