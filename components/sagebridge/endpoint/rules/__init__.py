"""Rules that span several fields of an endpoint's arguments, each with its source.

A rule is a function from the component's name and the arguments, as ``schema.check`` returns them, to their problems.
"Guide" is the SageMaker Developer Guide; "API" the SageMaker API reference, whose text botocore's service model
carries; "provider" is terraform-provider-aws 6.34, which pulumi-aws is made from.
"""

from collections.abc import Mapping

from sagebridge.endpoint.args import SageMakerEndpointArgs
from sagebridge.endpoint.rules import images, models, rollout, variants
from sagebridge.endpoint.schema import check
from sagebridge.validation import Problem

RULES = (*models.RULES, *variants.RULES, *rollout.RULES, *images.RULES)


def validate(name: str, args: SageMakerEndpointArgs) -> list[Problem]:
    """Returns every problem of an endpoint's arguments; values that are outputs are passed over.

    Args:
        name: Name of the component.
        args: See :class:`SageMakerEndpointArgs`.
    """
    clean, problems = check(args)
    if not isinstance(args, Mapping):
        return problems
    return problems + [problem for rule in RULES for problem in rule(name, clean)]
