"""What is right only together: the rules that span fields of an endpoint's arguments, each with its source.

A rule is a function from the checked arguments (``fields.py``) to what is wrong. "Guide" is the SageMaker
Developer Guide; "API" the SageMaker API reference, whose text botocore's service model carries; "provider" is
terraform-provider-aws 6.34, which pulumi-aws is made from.
"""

from sagebridge.endpoint.rules import models, rollout, variants
from sagebridge.endpoint.rules.common import Args
from sagebridge.endpoint.schema import check
from sagebridge.validation import Problem

RULES = (*models.RULES, *variants.RULES, *rollout.RULES)


def validate(name: str, args: Args) -> list[Problem]:
    """Returns every problem of an endpoint's arguments; values that are outputs are passed over.

    Args:
        name: name of the component.
        args: see :class:`SageMakerEndpointArgs`.
    """
    clean, problems = check(args)
    return problems + [found for rule in RULES for found in rule(name, clean)]
