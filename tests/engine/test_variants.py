"""Variants, asynchronous answers, data capture, keys and tags on the real engine: as they are declared."""

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import PREDICTION, Aws, Base
from tests.engine.lives import configuration, everything, invoke, put_echo, rolls_back_and_mends
from tests.fields import IMAGE, KEYS
from tests.local.account import until
from tests.stacks import Declared

if TYPE_CHECKING:
    from sagebridge.endpoint.args import VariantArgs

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("nothing_stays")]


def test_variants_with_weights_come_and_go(aws: Aws, base: Base, declared: Declared) -> None:
    name = declared.endpoint
    red, blue, green = (put_echo(aws, base, f"{name}/{word}.tar.gz", word) for word in ("red", "blue", "green"))
    next_one: VariantArgs = {
        "variant_name": "Next",
        "image": IMAGE,
        "model_data_url": blue,
        "initial_variant_weight": 0.2,
        "instance_type": "ml.g5.xlarge",
        "volume_size_in_gb": 100,
        "model_data_download_timeout_in_seconds": 900,
        "container_startup_health_check_timeout_in_seconds": 600,
        "inference_ami_version": "al2-ami-sagemaker-inference-gpu-2",
        "routing_strategy": "LEAST_OUTSTANDING_REQUESTS",
    }

    def answers(**words: str) -> None:
        assert {variant: invoke(aws, name, TargetVariant=variant)["word"] for variant in words} == words

    def weights() -> dict[str, float]:
        variants = aws.sagemaker.describe_endpoint(EndpointName=name)["ProductionVariants"]
        return {variant["VariantName"]: variant["CurrentWeight"] for variant in variants}

    declared.args["model_data_url"] = red
    declared.args["production_variants"] = [
        {"variant_name": "Stable", "initial_variant_weight": 0.8},
        next_one,
    ]
    declared.up()
    answers(Stable="red", Next="blue")
    assert {invoke(aws, name)["word"] for _ in range(80)} == {"red", "blue"}
    assert weights() == pytest.approx({"Stable": 0.8, "Next": 0.2})
    described = configuration(aws, name)["ProductionVariants"][1]
    assert described == described | {
        "VariantName": "Next",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.g5.xlarge",
        "VolumeSizeInGB": 100,
        "ModelDataDownloadTimeoutInSeconds": 900,
        "ContainerStartupHealthCheckTimeoutInSeconds": 600,
        "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2",
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    declared.refresh()
    assert set(declared.preview()) == {"same"}  # AWS keeps 0.8 and 0.2 in 32 bits

    declared.args["production_variants"] = [
        {"variant_name": "Stable", "initial_variant_weight": 0.7},
        {**next_one, "initial_variant_weight": 0.3},
    ]
    rolls_back_and_mends(aws, declared, lambda: answers(Stable="red", Next="blue"))
    assert weights() == pytest.approx({"Stable": 0.7, "Next": 0.3})

    declared.args["production_variants"] = [
        {**next_one, "initial_variant_weight": 1},
        {"variant_name": "After", "image": IMAGE, "model_data_url": green},
    ]
    declared.up()
    answers(Next="blue", After="green")
    assert weights() == {"Next": 1, "After": 1}
    assert set(declared.preview()) == {"same"}


def test_serverless_with_provisioned_concurrency(aws: Aws, declared: Declared) -> None:
    def predicts() -> None:
        assert aws.predict(declared.endpoint) == pytest.approx(PREDICTION, abs=1e-9)

    def capacity() -> dict[str, int]:
        (variant,) = configuration(aws, declared.endpoint)["ProductionVariants"]
        assert "InstanceType" not in variant
        found: dict[str, int] = variant["ServerlessConfig"]
        return found

    declared.args["serverless_config"] = {
        "memory_size_in_mb": 2048,
        "max_concurrency": 5,
        "provisioned_concurrency": 2,
    }
    declared.up()
    predicts()
    assert capacity() == {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 2}
    assert set(declared.preview()) == {"same"}

    declared.args["serverless_config"] = {"max_concurrency": 6, "provisioned_concurrency": 3}
    rolls_back_and_mends(aws, declared, predicts)
    predicts()
    assert capacity() == {"MemorySizeInMB": 4096, "MaxConcurrency": 6, "ProvisionedConcurrency": 3}

    del declared.args["serverless_config"]["provisioned_concurrency"]
    declared.up()
    predicts()
    assert capacity() == {"MemorySizeInMB": 4096, "MaxConcurrency": 6}


def test_asynchronous_answers_failures_and_notices(aws: Aws, base: Base, declared: Declared) -> None:
    name, sqs, sns = declared.endpoint, aws.client("sqs"), aws.client("sns")
    bucket = base.bucket_name
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics = [sns.create_topic(Name=f"{name}-{which}")["TopicArn"] for which in ("success", "error")]
    for topic in topics:
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"})

    def stored(url: str) -> str | None:
        try:
            found = aws.s3.get_object(Bucket=bucket, Key=url.removeprefix(f"s3://{bucket}/"))
        except ClientError:
            return None
        return found["Body"].read().decode()

    def call(body: bytes) -> Any:
        return aws.runtime.invoke_endpoint_async(EndpointName=name, Body=body, ContentType="application/json")

    def answers() -> None:
        good = call(b'{"Input": [[0.09178, 0, 4.05, 0, 0.51, 6.416, 84.1, 2.6463, 5, 296, 16.6, 395.5, 9.04]]}')
        (prediction,) = json.loads(until(lambda: stored(good["OutputLocation"])))["Predictions"]
        assert prediction == pytest.approx(PREDICTION, abs=1e-9)
        assert good["OutputLocation"].startswith(f"s3://{bucket}/{name}/out")

    def noticed() -> str | None:
        for message in sqs.receive_message(QueueUrl=queue).get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            status: str = json.loads(message["Body"])["invocationStatus"]
            return status
        return None

    declared.args["kms_key_arn"] = KEYS[0]
    declared.args["async_inference_config"] = {
        "s3_output_path": f"s3://{bucket}/{name}/out",
        "s3_failure_path": f"s3://{bucket}/{name}/failed",
        "kms_key_id": KEYS[1],
        "success_topic": topics[0],
        "error_topic": topics[1],
        "include_inference_response_in": ["SUCCESS_NOTIFICATION_TOPIC"],
        "max_concurrent_invocations_per_instance": 2,
    }
    declared.up()
    answers()
    assert until(noticed) == "Completed"
    bad = call(b"nonsense")
    assert until(lambda: stored(bad["FailureLocation"]))
    assert bad["FailureLocation"].startswith(f"s3://{bucket}/{name}/failed")
    assert until(noticed) == "Failed"
    described = configuration(aws, name)
    assert described["KmsKeyId"] == KEYS[0]
    assert described["AsyncInferenceConfig"] == {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
        "OutputConfig": {
            "S3OutputPath": f"s3://{bucket}/{name}/out",
            "S3FailurePath": f"s3://{bucket}/{name}/failed",
            "KmsKeyId": KEYS[1],
            "NotificationConfig": {
                "SuccessTopic": topics[0],
                "ErrorTopic": topics[1],
                "IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC"],
            },
        },
    }
    assert set(declared.preview()) == {"same"}

    declared.args["async_inference_config"] = {"s3_output_path": f"s3://{bucket}/{name}/out2"}
    rolls_back_and_mends(aws, declared, answers)
    assert configuration(aws, name)["AsyncInferenceConfig"]["OutputConfig"] == {
        "S3OutputPath": f"s3://{bucket}/{name}/out2"
    }
    answers()


def test_data_capture_and_tags_on_all_that_is_made(aws: Aws, base: Base, declared: Declared) -> None:
    name, before = declared.endpoint, everything(aws)

    def tagged(tags: dict[str, str]) -> None:
        """Checks what the component made and AWS can tag: model, configuration, endpoint, target, four alarms."""
        made = {one for one in everything(aws) - before if "TargetTracking" not in one and ":dashboard/" not in one}
        assert len(made) == 8
        found = {one: _tags(aws, one) for one in made}
        assert {one: own for one, own in found.items() if own | tags != own} == {}

    declared.args["data_capture_config"] = {
        "destination_s3_uri": f"s3://{base.bucket_name}/{name}/captured",
        "initial_sampling_percentage": 100,
        "capture_options": ["InputAndOutput"],
        "json_content_types": ["application/json"],
        "csv_content_types": ["text/csv", "text/x-csv"],
        "kms_key_id": KEYS[0],
    }
    declared.args |= {
        "autoscaling": {"min_capacity": 1, "max_capacity": 3, "invocations_per_instance": 100},
        "alarms": {},
        "dashboard": True,
        "tags": {"team": "ml", "stage": "test"},
    }
    declared.up()
    assert aws.predict(name) == pytest.approx(PREDICTION, abs=1e-9)
    captured = until(lambda: _captured(aws, base.bucket_name, f"{name}/captured/{name}/AllTraffic/"))
    assert captured["captureData"]["endpointInput"]["encoding"] == "JSON"
    assert json.loads(captured["captureData"]["endpointOutput"]["data"])["Predictions"]
    assert configuration(aws, name)["DataCaptureConfig"] == {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{base.bucket_name}/{name}/captured",
        "KmsKeyId": KEYS[0],
        "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
        "CaptureContentTypeHeader": {
            "CsvContentTypes": ["text/csv", "text/x-csv"],
            "JsonContentTypes": ["application/json"],
        },
    }
    tagged({"team": "ml", "stage": "test"})
    assert set(declared.preview()) == {"same"}

    declared.args["tags"] = {"team": "ml", "stage": "live", "new": "yes"}
    assert {operation for operation, _ in declared.steps()} == {"update"}
    tagged({"team": "ml", "stage": "live", "new": "yes"})

    declared.args["data_capture_config"] |= {"initial_sampling_percentage": 0}
    declared.up()
    assert configuration(aws, name)["DataCaptureConfig"]["InitialSamplingPercentage"] == 0
    assert set(declared.preview()) == {"same"}


def _tags(aws: Aws, arn: str) -> dict[str, str]:
    if ":sagemaker:" in arn:
        tags: Any = aws.sagemaker.list_tags(ResourceArn=arn)["Tags"]
    elif ":application-autoscaling:" in arn:
        return dict(aws.client("application-autoscaling").list_tags_for_resource(ResourceARN=arn)["Tags"])
    else:
        tags = aws.client("cloudwatch").list_tags_for_resource(ResourceARN=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in tags}


def _captured(aws: Aws, bucket: str, prefix: str) -> Any:
    for found in aws.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
        return json.loads(aws.s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read().splitlines()[0])
    return None


def test_what_no_endpoint_with_a_model_can_have_is_refused_in_plain_words(declared: Declared) -> None:
    declared.args["production_variants"] = [
        {
            "variant_name": "one",
            "managed_instance_scaling": {"min_instance_count": 1},  # type: ignore[typeddict-unknown-key]
            "accelerator_type": "ml.eia2.medium",
        }
    ]
    said = declared.preview_fails()
    assert "production_variants[0].managed_instance_scaling" in said
    assert "is for inference components, not for variants with a model. Use autoscaling." in said
    assert "production_variants[0].accelerator_type" in said
    assert "AWS ended Elastic Inference" in said
