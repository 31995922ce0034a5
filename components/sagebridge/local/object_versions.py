"""The versions of S3 objects in moto, made as AWS has them where moto fails or loses some.

moto takes a bucket whose versioning is suspended for one that never had versions: it fails on the delete markers of
such a bucket, and drops the versions of an object that is written or deleted. AWS keeps them, and gives what comes
later the version `null`, which replaces the version `null` that was there before (S3 User Guide, "Working with objects
in a versioning-suspended bucket").
"""

from typing import Any

from moto.s3.models import FakeBucket, FakeDeleteMarker, FakeKey, S3Backend

_NULL = "null"
_moto_put_object = S3Backend.put_object
_moto_set_delete_marker = S3Backend._set_delete_marker  # noqa: SLF001 - moto has no other place for it


def install() -> None:
    """Has moto's S3 keep the versions of objects as AWS does."""
    FakeDeleteMarker.dispose = _dispose  # type: ignore[attr-defined]
    FakeBucket.is_versioned = property(_is_versioned)  # type: ignore[method-assign, assignment]
    S3Backend.put_object = _put_object  # type: ignore[method-assign, assignment]
    S3Backend._set_delete_marker = _set_delete_marker  # type: ignore[method-assign, assignment] # noqa: SLF001 - see above


def _dispose(_: FakeDeleteMarker) -> None:
    """Does nothing, as a delete marker has no body; moto calls this for each version that it drops."""


def _is_versioned(bucket: FakeBucket) -> bool:
    """Returns whether a bucket has versions: once versioning was enabled, it can only be suspended."""
    return bucket.versioning_status in ("Enabled", "Suspended")


def _put_object(backend: S3Backend, bucket_name: str, key_name: str, *arguments: Any, **options: Any) -> FakeKey:  # noqa: ANN401 - moto's
    key = _moto_put_object(backend, bucket_name, key_name, *arguments, **options)
    _replace_null(backend.get_bucket(bucket_name), key)
    return key


def _set_delete_marker(backend: S3Backend, bucket_name: str, key_name: str) -> FakeDeleteMarker:
    marker = _moto_set_delete_marker(backend, bucket_name, key_name)
    _replace_null(backend.get_bucket(bucket_name), marker)
    return marker


def _replace_null(bucket: FakeBucket, newest: FakeKey | FakeDeleteMarker) -> None:
    """Makes the newest version of an object its version `null`, in a bucket whose versioning is suspended."""
    if bucket.versioning_status != "Suspended":
        return
    newest._version_id = _NULL  # noqa: SLF001 - moto has no other place for it
    kept = [version for version in bucket.keys.getlist(newest.name)[:-1] if version.version_id != _NULL]
    bucket.keys.setlist(newest.name, [*kept, newest])
