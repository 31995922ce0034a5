"""A platform for teams: components of components, three deep, whose inner resources have the same names in each."""

import json

import pulumi
import pulumi_aws as aws


class Storage(pulumi.ComponentResource):
    """A bucket with a key of its own."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("platform:index:Storage", name, None, opts)
        inner = pulumi.ResourceOptions(parent=self)
        key = aws.kms.Key(f"{name}-this", description=f"Encrypts what {name} stores", opts=inner)
        self.bucket = aws.s3.Bucket(f"{name}-this", opts=inner)
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-this",
            bucket=self.bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": key.arn,
                    }
                }
            ],
            opts=inner,
        )
        self.register_outputs({"bucket": self.bucket.bucket})


class Access(pulumi.ComponentResource):
    """A role that may use a bucket, and what it may do."""

    def __init__(self, name: str, bucket: aws.s3.Bucket, opts: pulumi.ResourceOptions) -> None:
        super().__init__("platform:index:Access", name, None, opts)
        inner = pulumi.ResourceOptions(parent=self)
        assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
        self.role = aws.iam.Role(
            f"{name}-this",
            assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [assume]}),
            opts=inner,
        )
        statements = [
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket.arn},
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": bucket.arn.apply("{}/*".format),
            },
        ]
        policy = aws.iam.Policy(
            f"{name}-this",
            policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": statements}),
            opts=inner,
        )
        aws.iam.RolePolicyAttachment(f"{name}-this", role=self.role.name, policy_arn=policy.arn, opts=inner)
        self.register_outputs({"role": self.role.arn})


class Team(pulumi.ComponentResource):
    """What a team has: storage, access to it, and a log that is there before both."""

    def __init__(self, name: str, token: pulumi.Output[str], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("platform:index:Team", name, None, opts)
        log = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"/teams/{name}",
            retention_in_days=14,
            tags={"team": name, "token": token},
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["retentionInDays", 'tags["team"]']),
        )
        storage = Storage(f"{name}-storage", pulumi.ResourceOptions(parent=self, depends_on=[log]))
        access = Access(f"{name}-access", storage.bucket, pulumi.ResourceOptions(parent=self, depends_on=[storage]))
        self.role = access.role
        self.register_outputs({"role": self.role.arn})


class Platform(pulumi.ComponentResource):
    """All teams, and whom they tell of what goes wrong."""

    def __init__(self, name: str, teams: list[str]) -> None:
        super().__init__("platform:index:Platform", name)
        token = pulumi.Config().require_secret("token")
        made = [Team(team, token, pulumi.ResourceOptions(parent=self)) for team in teams]
        topic = aws.sns.Topic(f"{name}-alarms", opts=pulumi.ResourceOptions(parent=self, depends_on=made))
        statement = {
            "Effect": "Allow",
            "Action": "sns:Publish",
            "Resource": topic.arn,
            "Principal": {"AWS": [team.role.arn for team in made]},
        }
        aws.sns.TopicPolicy(
            f"{name}-alarms",
            arn=topic.arn,
            policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [statement]}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"topic": topic.arn})


Platform("platform", ["search", "ranking"])
