"""An inference pipeline: the first container turns a request into numbers (preprocess.py), the second one predicts."""

import base64
import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pulumi
import pulumi_aws as aws

from sagebridge import SageMakerEndpoint, TerraformBase

config = pulumi.Config("sagebridge")
base = TerraformBase.read(config.require("terraformState"))
image = config.require("containerImage")

packed = io.BytesIO()  # the same bytes for the same handler
with gzip.GzipFile("", "wb", fileobj=packed, mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
    handler = Path("preprocess.py").read_bytes()
    member = tarfile.TarInfo("inference.py")
    member.size, member.mtime = len(handler), 315_619_200  # 1980: the container makes a ZIP of it, which starts there
    archive.addfile(member, io.BytesIO(handler))
preprocess = aws.s3.BucketObjectv2(
    "preprocess",
    bucket=base.bucket_name,
    key=f"{base.model_prefix}/preprocess/{hashlib.sha256(packed.getvalue()).hexdigest()}/model.tar.gz",
    content_base64=base64.b64encode(packed.getvalue()).decode(),
)
endpoint = SageMakerEndpoint(
    "scorer",
    {
        "execution_role_arn": base.execution_role_arn,
        "containers": [
            {"image": image, "model_data_url": pulumi.Output.concat("s3://", preprocess.bucket, "/", preprocess.key)},
            {"image": image, "model_data_url": config.require("modelData")},
        ],
    },
)
pulumi.export("endpointName", endpoint.endpoint_name)
