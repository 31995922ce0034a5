"""Pure: bearer tokens are those of the SageMaker SDK, and a wrong one is told from a right one."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.bearer_token import ExpiredTokenError, TokenError, is_signed_with, make, read

KEYS = Credentials("AKIAEXAMPLE", "secret/with+signs", "session/token==")
HOUR = timedelta(hours=1)
PREFIX = "sagemaker-api-key-"


def now() -> datetime:
    return datetime.now(UTC)


def edited(token: str, edit: Callable[[str], str]) -> str:
    """Returns a token with another request in it."""
    request = base64.b64decode(token.removeprefix(PREFIX)).decode()
    changed = edit(request)
    assert changed != request
    return PREFIX + base64.b64encode(changed.encode()).decode()


def test_a_token_has_the_form_of_the_sdks() -> None:
    request = base64.b64decode(make(KEYS, "eu-west-1", HOUR).removeprefix(PREFIX)).decode()
    assert request.startswith("sagemaker.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert request.endswith("&Version=1")  # after the signature, which does not cover it
    assert "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&" in request


def test_a_token_tells_the_key_the_region_and_when_it_expires() -> None:
    token = read(make(KEYS, "eu-west-1", HOUR), now())
    assert (token.access_key, token.region) == ("AKIAEXAMPLE", "eu-west-1")
    assert timedelta(minutes=59) < token.expires - now() <= HOUR


@given(
    st.text("abcXYZ019+/=-_.~", min_size=1),
    st.one_of(st.none(), st.text("abcXYZ019+/=%& ", min_size=1)),
    st.sampled_from(["us-east-1", "ap-southeast-2", "us-gov-west-1"]),
)
def test_the_signature_of_any_credentials_is_known_again(secret: str, session: str | None, region: str) -> None:
    token = read(make(Credentials("AKIAEXAMPLE", secret, session), region, HOUR), now())
    assert is_signed_with(token, Credentials("AKIAEXAMPLE", secret, session))
    assert not is_signed_with(token, Credentials("AKIAEXAMPLE", f"{secret}x", session))


def test_a_changed_token_is_not_signed_any_more() -> None:
    longer = edited(make(KEYS, "eu-west-1", HOUR), lambda request: request.replace("Expires=3600", "Expires=7200"))
    elsewhere = edited(make(KEYS, "eu-west-1", HOUR), lambda request: request.replace("eu-west-1", "us-east-1"))
    assert not is_signed_with(read(longer, now()), KEYS)
    assert not is_signed_with(read(elsewhere, now()), KEYS)


def test_an_expired_token_is_refused() -> None:
    token = make(KEYS, "eu-west-1", HOUR)
    read(token, now() + timedelta(minutes=59))
    with pytest.raises(ExpiredTokenError, match="the token expired at "):
        read(token, now() + HOUR)


@pytest.mark.parametrize(
    "edit",
    [
        lambda request: request.replace("CallWithBearerToken", "ListEndpoints"),
        lambda request: request.replace("sagemaker.amazonaws.com", "bedrock.amazonaws.com"),
        lambda request: request.replace("%2Fsagemaker%2F", "%2Fs3%2F"),
        lambda request: request.replace("X-Amz-Expires=3600", "X-Amz-Expires=43201"),
        lambda request: request.replace("X-Amz-Expires=3600", "X-Amz-Expires=soon"),
        lambda request: request.replace("X-Amz-Expires=3600", "X-Amz-Expires=0"),
        lambda request: request.replace("X-Amz-Date=", "X-Amz-Date=1"),
        lambda request: request.replace("AWS4-HMAC-SHA256", "none"),
        lambda request: f"{request}&Action=CallWithBearerToken",
        lambda request: request.replace("&Version=1", "&Version=2"),
        lambda request: request.partition("?")[0],
    ],
)
def test_a_token_for_something_else_is_refused(edit: Callable[[str], str]) -> None:
    with pytest.raises(TokenError):
        read(edited(make(KEYS, "eu-west-1", HOUR), edit), now())


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        read(text, now())
    with pytest.raises(TokenError):
        read(PREFIX + text, now())
