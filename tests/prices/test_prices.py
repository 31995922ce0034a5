"""The price list: fetched from AWS with boto3's Stubber, kept in the cache folder, and read again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber
from click.testing import CliRunner

from sagebridge import _aws
from sagebridge.cli import main
from sagebridge.prices.fetch import api_region
from sagebridge.prices.price_list import PriceList, price_list_path, read_price_list, write_price_list

REGION = "eu-central-1"
REQUEST = {
    "ServiceCode": "AmazonSageMaker",
    "FormatVersion": "aws_v1",
    "Filters": [
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": REGION},
        {"Type": "TERM_MATCH", "Field": "productFamily", "Value": "ML Instance"},
    ],
}
LIST = PriceList(REGION, "2026-11-20", "USD", {"ml.g5.2xlarge": 1.9}, {"ml.g5.2xlarge": 2.0})


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def stubber(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    keys = {"access_key": "a", "secret_key": "b"}
    client = _aws.pricing_client({"region": "us-east-1", **keys})
    monkeypatch.setattr(_aws, "pricing_client", lambda *_: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def product(usage_type: str, price: str | None, unit: str = "Hrs", published: str = "2026-11-20T02:56:06Z") -> str:
    """Returns a product in the form of the Price List API."""
    dimensions = {"X.JR.6Y": {"unit": unit, "pricePerUnit": {"USD": price}, "description": "…"}}
    document = {
        "product": {
            "productFamily": "ML Instance",
            "attributes": {"regionCode": REGION, "usagetype": usage_type},
            "sku": "X",
        },
        "serviceCode": "AmazonSageMaker",
        "terms": {"OnDemand": {"X.JR": {"priceDimensions": dimensions}}} if price else {"Reserved": {}},
        "version": "20261120025606",
        "publicationDate": published,
    }
    return json.dumps(document)


def answer(stubber: Stubber, products: list[str], next_page: str | None = None, asked: str | None = None) -> None:
    response = {"FormatVersion": "aws_v1", "PriceList": products, **({"NextToken": next_page} if next_page else {})}
    stubber.add_response("get_products", response, {**REQUEST, **({"NextToken": asked} if asked else {})})


def fetch(*options: str) -> Any:
    return CliRunner().invoke(main, ["prices", "--region", REGION, *options])


def test_every_page_is_fetched_and_only_hosting_is_kept(stubber: Stubber) -> None:
    training = [product(f"EUC1-{other}:ml.g5.2xlarge", "9") for other in ("Train", "Notebk", "Processing", "Tsform")]
    first_page = [*training, product("EUC1-Host:ml.g5.2xlarge", "1.9000000000"), product("x", None)]
    answer(stubber, first_page, next_page="more")
    reserved, storage = product("EUC1-Host:ml.m5.large", None), product("EUC1-Host:VolumeUsage.gp2", "0.1", "GB-Mo")
    answer(stubber, [product("EUC1-AsyncInf:ml.g5.2xlarge", "2"), reserved, storage], asked="more")
    result = fetch()
    assert result.exit_code == 0, result.output
    assert read_price_list(REGION) == LIST
    assert "2026-11-20" in result.output
    assert str(price_list_path(REGION)) in result.output


def test_the_first_region_has_no_code_in_its_usage_types(stubber: Stubber) -> None:
    answer(stubber, [product("Host:ml.g5.2xlarge", "1.5"), product("USE1-AsyncInf:ml.p6-b200.48xlarge", "99")])
    result = fetch("--json")
    fetched = json.loads(result.output)
    assert fetched["real_time"] == {"ml.g5.2xlarge": 1.5}
    assert fetched["asynchronous"] == {"ml.p6-b200.48xlarge": 99}
    assert Path(fetched["path"]).is_file()


def test_a_region_without_hosting_is_refused_and_an_older_list_stays(stubber: Stubber) -> None:
    write_price_list(LIST)
    answer(stubber, [])
    result = fetch()
    assert result.exit_code == 1
    assert f"no instances of SageMaker's hosting in {REGION}" in result.output
    assert read_price_list(REGION) == LIST


def test_a_missing_permission_is_one_line(stubber: Stubber) -> None:
    stubber.add_client_error("get_products", "AccessDeniedException", "not authorized to perform: pricing:GetProducts")
    result = fetch()
    assert result.exit_code == 1
    assert "cannot fetch the price list of eu-central-1" in result.output
    assert "pricing:GetProducts" in result.output


@pytest.mark.parametrize(
    ("region", "asked"), [(REGION, "us-east-1"), ("us-gov-west-1", "us-east-1"), ("cn-north-1", "cn-northwest-1")]
)
def test_one_region_answers_for_all_of_a_partition(region: str, asked: str) -> None:
    assert api_region(region) == asked


def test_a_folder_that_cannot_be_made_is_one_line(stubber: Stubber) -> None:
    folder = price_list_path(REGION).parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("")
    answer(stubber, [product("EUC1-Host:ml.g5.2xlarge", "1.9")])
    result = fetch()
    assert result.exit_code == 1
    assert "cannot be made" in result.output


@pytest.mark.parametrize("text", ["", "{", "[]", '{"region": "eu-central-1"}', "\udcff"])
def test_a_file_that_cannot_be_read_is_no_list(text: str) -> None:
    path = write_price_list(LIST)
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert read_price_list(REGION) is None


def test_without_a_file_there_is_no_list() -> None:
    assert read_price_list("us-east-1") is None
