"""Answers of AWS about an endpoint, for the tests of the guards."""

from typing import Any

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/boston"


def endpoint(**changes: Any) -> Any:
    """Returns DescribeEndpoint's answer for an endpoint in service, with some members changed."""
    return {
        "EndpointName": "boston",
        "EndpointArn": ARN,
        "EndpointConfigName": "new",
        "EndpointStatus": "InService",
        "ProductionVariants": [{"VariantName": "AllTraffic", "DesiredInstanceCount": 1, "DesiredWeight": 1}],
        **changes,
    }
