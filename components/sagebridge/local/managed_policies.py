"""The policies that AWS itself manages, such as AmazonSageMakerFullAccess, in moto's IAM.

moto has the text of all of them, and loads all or none. Here each is there from the first request that names it, or
that lists AWS's policies, so that a state holds few of them.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache, wraps
from inspect import signature
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend

from sagebridge.local import REGION

_NAMING = ("attach_group_policy", "attach_role_policy", "attach_user_policy", "get_policy")
"""The methods of moto's IAM by which a request names a policy first; the others ask `get_policy`."""


def install() -> None:
    """Has moto's IAM find AWS's policies."""
    for name in _NAMING:
        method = getattr(IAMBackend, name)
        if not hasattr(method, "__wrapped__"):
            setattr(IAMBackend, name, _with_named_policy(method))
    if not hasattr(IAMBackend.list_policies, "__wrapped__"):
        IAMBackend.list_policies = _with_all_policies(IAMBackend.list_policies)  # type: ignore[method-assign]


def reduce(policy: AWSManagedPolicy) -> tuple[object, ...]:
    """Reduces a policy of AWS's to its name for pickle, and to what an account changes of it."""
    return _policy, (policy.account_id, policy.name), {"attachment_count": policy.attachment_count}


def _with_named_policy(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(backend: IAMBackend, policy_arn: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as moto's
        name = policy_arn.rpartition("/")[2]
        if policy_arn not in backend.managed_policies and name in _texts():
            _add(backend, name, policy_arn)
        return method(backend, policy_arn, *arguments, **options)

    return call


def _with_all_policies(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(backend: IAMBackend, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as moto's
        asked = signature(method).bind(backend, *arguments, **options).arguments
        if asked["scope"] != "Local" and not asked["only_attached"]:
            for name in _texts():
                _add(backend, name)
        return method(backend, *arguments, **options)

    return call


def _add(backend: IAMBackend, name: str, arn: str = "") -> None:
    """Adds a policy of AWS's to an account, unless it is there or has another path than the ARN."""
    policy = _policy(backend.account_id, name)
    if policy.arn not in backend.managed_policies and arn in ("", policy.arn):
        backend.managed_policies[policy.arn] = policy
        backend.aws_managed_policies.append(policy)


def _policy(account: str, name: str) -> AWSManagedPolicy:
    return AWSManagedPolicy.from_data(name, account, REGION, dict(_texts()[name]))


@cache
def _texts() -> Mapping[str, Mapping[str, Any]]:
    texts: Mapping[str, Mapping[str, Any]] = json.loads(aws_managed_policies_data)  # 5 MB, which few need
    return texts
