"""Names, IDs and ARNs of AWS resources, in the forms that AWS and its Pulumi provider give them.

Sources: the Service Authorization Reference's "Resource types" of each service, and the providers' documentation, as
pulumi_aws 7.51.1 repeats it.
"""

import re
import string
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagebridge._models import partition


@dataclass(frozen=True)
class Account:
    """Where resources are."""

    number: str
    region: str

    @property
    def partition(self) -> str:
        """Returns the region's partition, such as `aws` or `aws-cn`."""
        return partition(self.region)


@dataclass(frozen=True)
class Form:
    """How AWS and the provider identify the resources of a type.

    The templates may have `{region}`, `{account}`, `{uuid}`, `{hex}`, `{name}` and any input.
    """

    arn: str
    """Template of the ARN, after `arn:aws:`."""
    id: str = "{name}"
    """Template of the ID, which may also be `{arn}`."""
    name_input: str | None = "name"
    """The input with the name, which the provider makes up if it is missing; None if the type has no name."""
    arn_output: str = "arn"
    """The output with the ARN."""


_SCALED = "resource/{serviceNamespace}/{resourceId}"
FORMS = {
    "appautoscaling/policy:Policy": Form(
        f"autoscaling:{{region}}:{{account}}:scalingPolicy:{{uuid}}:{_SCALED}:policyName/{{name}}"
    ),
    "appautoscaling/scheduledAction:ScheduledAction": Form(
        f"autoscaling:{{region}}:{{account}}:scheduledAction:{{uuid}}:{_SCALED}:scheduledActionName/{{name}}",
        id="{name}-{serviceNamespace}-{resourceId}",
    ),
    "appautoscaling/target:Target": Form(
        "application-autoscaling:{region}:{account}:scalable-target/{hex}", id="{resourceId}", name_input=None
    ),
    "cloudwatch/dashboard:Dashboard": Form(
        "cloudwatch::{account}:dashboard/{name}", name_input="dashboardName", arn_output="dashboardArn"
    ),
    "cloudwatch/logGroup:LogGroup": Form("logs:{region}:{account}:log-group:{name}"),
    "cloudwatch/metricAlarm:MetricAlarm": Form("cloudwatch:{region}:{account}:alarm:{name}"),
    "ec2/securityGroup:SecurityGroup": Form("ec2:{region}:{account}:security-group/sg-{hex}", id="sg-{hex}"),
    "ec2/subnet:Subnet": Form("ec2:{region}:{account}:subnet/subnet-{hex}", id="subnet-{hex}", name_input=None),
    "ec2/vpc:Vpc": Form("ec2:{region}:{account}:vpc/vpc-{hex}", id="vpc-{hex}", name_input=None),
    "ecr/repository:Repository": Form("ecr:{region}:{account}:repository/{name}"),
    "iam/group:Group": Form("iam::{account}:group{path}{name}"),
    "iam/instanceProfile:InstanceProfile": Form("iam::{account}:instance-profile{path}{name}"),
    "iam/policy:Policy": Form("iam::{account}:policy{path}{name}", id="{arn}"),
    "iam/role:Role": Form("iam::{account}:role{path}{name}"),
    "iam/user:User": Form("iam::{account}:user{path}{name}"),
    "kms/alias:Alias": Form("kms:{region}:{account}:{name}"),
    "kms/key:Key": Form("kms:{region}:{account}:key/{uuid}", id="{uuid}", name_input=None),
    "lambda/function:Function": Form("lambda:{region}:{account}:function:{name}"),
    "s3/bucket:Bucket": Form("s3:::{name}", name_input="bucket"),
    "s3/bucketObject:BucketObject": Form("s3:::{bucket}/{key}", id="{key}", name_input=None),
    "s3/bucketObjectv2:BucketObjectv2": Form("s3:::{bucket}/{key}", id="{bucket}/{key}", name_input=None),
    "sagemaker/endpoint:Endpoint": Form("sagemaker:{region}:{account}:endpoint/{name}"),
    "sagemaker/endpointConfiguration:EndpointConfiguration": Form(
        "sagemaker:{region}:{account}:endpoint-config/{name}"
    ),
    "sagemaker/model:Model": Form("sagemaker:{region}:{account}:model/{name}"),
    "sagemaker/modelPackageGroup:ModelPackageGroup": Form(
        "sagemaker:{region}:{account}:model-package-group/{name}", name_input="modelPackageGroupName"
    ),
    "sns/topic:Topic": Form("sns:{region}:{account}:{name}", id="{arn}"),
    "sqs/queue:Queue": Form("sqs:{region}:{account}:{name}", id="https://sqs.{region}.amazonaws.com/{account}/{name}"),
}
"""The forms by the type's token, without its `aws:`."""


def identify(token: str, name: str, inputs: Mapping[str, Any], account: Account) -> tuple[str, dict[str, Any]]:
    """Returns the ID of a new resource, and its name and its ARN by the properties that have them.

    A name that the provider would make up ends with `-1234567`, where the provider has random hexadecimal digits.

    Args:
        token: The type, such as `aws:iam/role:Role`.
        name: The resource's name in the program.
        inputs: Its inputs.
        account: Where it is.
    """
    kind = token.removeprefix("aws:")
    form = FORMS.get(kind) or Form(f"{kind.partition('/')[0]}:{{region}}:{{account}}:{_dashed(kind)}/{{name}}")
    number = uuid.uuid5(uuid.NAMESPACE_URL, f"{token} {name}")
    values = {
        "path": "/",
        **inputs,
        "region": account.region,
        "account": account.number,
        "uuid": str(number),
        "hex": number.hex[:17],
        "name": inputs.get(form.name_input or "") or f"{name}-1234567",
    }
    arn = f"arn:{account.partition}:{_filled(form.arn, values)}"
    name_and_arn = {form.arn_output: arn} | ({form.name_input: values["name"]} if form.name_input else {})
    return _filled(form.id, {**values, "arn": arn}), name_and_arn


def _filled(template: str, values: Mapping[str, Any]) -> str:
    """Returns a template with its values; an input that is unknown in a preview is left out."""
    fields = [field for _, field, _, _ in string.Formatter().parse(template) if field]
    return template.format(**{field: values.get(field, "") for field in fields})


def _dashed(kind: str) -> str:
    """Returns the last part of a type in the way of most ARNs: `ModelPackage` is `model-package`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.rpartition(":")[2]).lower()
