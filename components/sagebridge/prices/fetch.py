"""Fetches AWS's prices of SageMaker's hosting with the Price List API.

The usage types are those of AWS's bills: `Host` of a real-time and `AsyncInf` of an asynchronous endpoint, after the
code of the region if it has one, such as `EUC1-Host:ml.g5.2xlarge`. The API has endpoints in a few regions, and one of
them answers for all (AWS Price List API: "AWS Price List Query API", endpoints).
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sagebridge.errors import UserError
from sagebridge.prices.price_list import PriceList

SERVICE = "AmazonSageMaker"
_USAGE_TYPE = re.compile(r"(?:[A-Z0-9]+-)?(Host|AsyncInf):(ml\.[\w-]+\.[\w-]+)")
_REAL_TIME, _ASYNCHRONOUS = "Host", "AsyncInf"


def api_region(region: str) -> str:
    """Returns the region whose Price List API answers for a region."""
    return "cn-northwest-1" if region.startswith("cn-") else "us-east-1"


def fetch_price_list(client: Any, region: str) -> PriceList:  # noqa: ANN401 - a client of the Price List API
    """Returns AWS's price list of a region.

    Args:
        client: A client of the Price List API in :func:`api_region`.
        region: The region whose prices are wanted.

    Raises:
        UserError: AWS has no prices of hosting in the region.
        BotoCoreError: AWS cannot be reached.
        ClientError: AWS refuses, as without `pricing:GetProducts`.
    """
    filters = {"regionCode": region, "productFamily": "ML Instance"}
    pages = client.get_paginator("get_products").paginate(
        ServiceCode=SERVICE,
        FormatVersion="aws_v1",
        Filters=[{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in filters.items()],
    )
    return parsed(region, (json.loads(product) for page in pages for product in page["PriceList"]))


def parsed(region: str, products: Iterable[Mapping[str, Any]]) -> PriceList:
    """Returns the price list that products of the Price List API make.

    Raises:
        UserError: There is no price of hosting among them.
    """
    prices: dict[str, dict[str, float]] = {_REAL_TIME: {}, _ASYNCHRONOUS: {}}
    currency, published = "", ""
    for product in products:
        usage = _USAGE_TYPE.fullmatch(product["product"]["attributes"].get("usagetype", ""))
        price = _price_of_hour(product)
        if usage is None or price is None:
            continue
        currency, prices[usage[1]][usage[2]] = price
        published = max(published, product["publicationDate"][:10])
    if not currency:
        raise UserError(
            f"AWS's price list has no instances of SageMaker's hosting in {region}; is that its region's code?"
        )
    return PriceList(region, published, currency, prices[_REAL_TIME], prices[_ASYNCHRONOUS])


def _price_of_hour(product: Mapping[str, Any]) -> tuple[str, float] | None:
    """Returns the currency and the price of an hour on demand; None if the product is not sold so."""
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            if dimension["unit"] == "Hrs":
                for currency, price in dimension["pricePerUnit"].items():
                    return currency, float(price)
    return None
