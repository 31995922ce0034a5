"""The location of a Terraform state: one form, and everything else refused with what is allowed."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.errors import UserError
from sagebridge.state_location import LocalFile, RemoteWorkspace, S3Object, StateLocation, parse_state_location

NAME = st.text(st.characters(blacklist_characters="/?", blacklist_categories=["Cs"]), min_size=1)
KEY = st.lists(NAME, min_size=1).map("/".join)
VALUE = st.none() | st.text(st.characters(blacklist_categories=["Cs"]), min_size=1)
LOCATION = (
    st.builds(S3Object, bucket=NAME, key=KEY, region=VALUE, profile=VALUE)
    | st.builds(RemoteWorkspace, organization=NAME, workspace=NAME, hostname=VALUE)
    | KEY.filter(lambda text: "://" not in text).map(lambda text: LocalFile(Path(text)))
)


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("base/terraform.tfstate", LocalFile(Path("base/terraform.tfstate"))),
        ("/states/base.tfstate?x#y", LocalFile(Path("/states/base.tfstate?x#y"))),
        ("s3://states/base/terraform.tfstate", S3Object("states", "base/terraform.tfstate")),
        ("s3://states/a#b%20c", S3Object("states", "a#b%20c")),
        ("s3://states/base?region=eu-west-1", S3Object("states", "base", region="eu-west-1")),
        ("s3://states/base?profile=ops&region=eu-west-1", S3Object("states", "base", "eu-west-1", "ops")),
        ("s3://states/base?", S3Object("states", "base")),
        ("remote://acme/base", RemoteWorkspace("acme", "base")),
        ("remote://acme/base?hostname=tfe.acme.com:8443", RemoteWorkspace("acme", "base", "tfe.acme.com:8443")),
    ],
)
def test_a_location_says_by_its_form_what_it_is(text: str, location: StateLocation) -> None:
    assert parse_state_location(text) == location


@pytest.mark.parametrize(
    "text",
    [
        *("", "s3://", "s3://states", "s3://states/", "s3:///key", "s3://states//key", "s3://states/key/", "S3://a/b"),
        *("remote://acme", "remote://acme/", "remote://a/b/c", "remote:///b", "gcs://a/b", "https://a/b?region=c"),
    ],
)
def test_another_form_is_refused_with_the_forms_that_are_allowed(text: str) -> None:
    allowed = r"a path, s3://bucket/key\[\?region=…&profile=…\], or remote://organisation/workspace\[\?hostname=…\]"
    with pytest.raises(UserError, match=f"is not the location of a Terraform state: it must be {allowed}"):
        parse_state_location(text)


@pytest.mark.parametrize("text", ["gs://a/b", "azurerm://a/b", "https://a/b", "http://a", "consul://a", "pg://a"])
def test_another_backend_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(
        UserError, match=r"For another backend, run `terraform state pull > base\.tfstate` in Terraform's"
    ):
        parse_state_location(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s3://a/b?regoin=c", "it may have region and profile, each once and with a value, not regoin=c"),
        ("s3://a/b?hostname=c", "region and profile, .* not hostname=c"),
        ("s3://a/b?region=", "not region=$"),
        ("s3://a/b?region=c&region=d", "not region=d"),
        ("s3://a/b?region=c&x", "not x="),
        ("remote://a/b?region=c", "it may have hostname, each once"),
    ],
)
def test_an_unknown_part_is_refused_with_those_that_are_allowed(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as refused:
        parse_state_location(text)
    assert "\n" not in refused.value.message


@given(LOCATION)
def test_a_location_is_written_as_it_is_read(location: StateLocation) -> None:
    assert parse_state_location(str(location)) == location


@given(st.text() | st.builds("{}://{}".format, st.sampled_from(["s3", "remote"]), st.text()))
def test_any_text_is_a_location_or_refused(text: str) -> None:
    with contextlib.suppress(UserError):
        assert parse_state_location(str(parse_state_location(text))) == parse_state_location(text)
