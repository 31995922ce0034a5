"""Who may do what: users with keys, groups, a server certificate, an instance profile."""

import json
from pathlib import Path

import pulumi
import pulumi_aws as aws

groups = {name: aws.iam.Group(name, path="/teams/") for name in ("data", "models")}
ana = aws.iam.User("ana", path="/people/", tags={"team": "data"})
aws.iam.UserGroupMembership("ana", user=ana.name, groups=[group.name for group in groups.values()])
aws.iam.SshKey("ana", username=ana.name, encoding="SSH", public_key=Path("key.pub").read_text())
aws.iam.UserPolicy(
    "ana",
    user=ana.name,
    policy=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}
    ),
)
reading = aws.iam.Policy(
    "reading",
    description="Reads <all> & more",
    policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}],
        }
    ),
)
for name, group in groups.items():
    aws.iam.GroupPolicyAttachment(name, group=group.name, policy_arn=reading.arn)
role = aws.iam.Role(
    "worker",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
            ],
        }
    ),
    force_detach_policies=True,
)
aws.iam.InstanceProfile("worker", role=role.name)
aws.iam.ServerCertificate(
    "site",
    certificate_body=Path("certificate.pem").read_text(),
    private_key=pulumi.Output.secret(Path("key.pem").read_text()),
)
