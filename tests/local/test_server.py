"""Endpoints on a running server: real requests, real archives, real worker processes."""

import http.client
import io
import json
import os
import pickle
import tarfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import sklearn
from botocore.exceptions import ClientError
from sklearn.linear_model import LinearRegression

from sagebridge.endpoint_log import log_group
from tests.local.account import ECHO, IMAGE, Account, echo, pack

pytestmark = pytest.mark.server

NO_PING = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 2}}
REGRESSION = """
import json, os, pickle

def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.pickle"), "rb") as file:
        return pickle.load(file)

def input_fn(body, content_type):
    return json.loads(body)["Input"]

def output_fn(prediction, accept):
    return {"Predictions": prediction.tolist()}
"""


@pytest.fixture(scope="module")
def endpoint(account: Account) -> str:
    """An endpoint that echoes, for tests that do not change it."""
    name: str = account.deploy(account.config(account.upload(echo("shared"))))["EndpointName"]
    return name


def send(account: Account, method: str, path: str, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(account.url).netloc, timeout=10)
    try:
        connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_real_model_predicts(account: Account) -> None:
    rows = np.arange(12.0).reshape(6, 2) ** 1.5
    model = LinearRegression().fit(rows, rows @ [2.0, -1.0] + 3)
    versions = json.dumps({"scikit-learn": sklearn.__version__})
    files: dict[str, str | bytes] = {
        "inference.py": REGRESSION,
        "model.pickle": pickle.dumps(model),
        "versions.json": versions,
    }
    description = account.deploy(account.config(account.upload(pack(files))))
    assert description["EndpointStatus"] == "InService"
    answer = account.invoke(description["EndpointName"], json.dumps({"Input": [[1.5, 2.25], [0, 7]]}).encode())
    assert answer == {"Predictions": model.predict([[1.5, 2.25], [0, 7]]).tolist()}


def test_the_worker_sees_the_containers_environment_and_none_of_the_servers(account: Account, endpoint: str) -> None:
    environment = account.invoke(endpoint)["environment"]
    assert environment["SAGEMAKER_PROGRAM"] == "inference.py"
    assert environment["SAGEMAKER_SUBMIT_DIRECTORY"].startswith("s3://models/")
    of_every_container = {"HOME", "LANG", "PATH", "TMPDIR", "PYTHONUNBUFFERED", "LC_CTYPE"}
    threads = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}  # the tests' process has them as well
    assert set(environment) & set(os.environ) <= of_every_container | threads
    assert environment["HOME"] != os.environ.get("HOME")


def test_an_answer_names_the_variant_and_keeps_the_content_type(account: Account, endpoint: str) -> None:
    answer = account.runtime.invoke_endpoint(EndpointName=endpoint, Body=b"a,b", ContentType="text/csv")
    assert (answer["InvokedProductionVariant"], answer["ContentType"]) == ("AllTraffic", "application/json")
    seen = json.loads(answer["Body"].read())
    assert (seen["body"], seen["content_type"]) == ("a,b", "text/csv")


def test_after_an_update_the_new_model_answers(account: Account) -> None:
    description = account.deploy(account.config(account.upload(echo("old"))))
    name = description["EndpointName"]
    assert account.invoke(name)["word"] == "old"
    config = account.config(account.upload(echo("new")))
    updated = account.update(name, config)
    assert (updated["EndpointStatus"], updated["EndpointConfigName"]) == ("InService", config)
    assert updated["EndpointArn"] == description["EndpointArn"]
    assert updated["CreationTime"] == description["CreationTime"]
    assert updated["LastModifiedTime"] > description["LastModifiedTime"]
    assert account.invoke(name)["word"] == "new"


def test_no_request_is_lost_while_an_endpoint_is_updated(account: Account) -> None:
    name = account.deploy(account.config(account.upload(echo("old"))))["EndpointName"]
    config = account.config(account.upload(echo("new")))
    words: list[str] = []
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            words.append(account.invoke(name)["word"])

    caller = threading.Thread(target=call)
    caller.start()
    account.update(name, config)
    seen = len(words)
    while len(words) < seen + 2:
        time.sleep(0.01)
    stop.set()
    caller.join()
    assert words[0] == "old"
    assert words[-1] == "new"
    assert words == sorted(words, reverse=True)  # old answers, then new ones, nothing else between


def test_a_serverless_endpoint_serves_the_same_way(account: Account) -> None:
    description = account.deploy(account.config(account.upload(echo("serverless")), variant=SERVERLESS))
    (variant,) = description["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == SERVERLESS["ServerlessConfig"]
    assert variant["CurrentInstanceCount"] == 0
    assert account.invoke(description["EndpointName"])["word"] == "serverless"


def test_variants_share_the_traffic_by_weight_and_can_be_chosen(account: Account) -> None:
    first, second = (account.config(account.upload(echo(word))) for word in ("one", "two"))
    name = account.name("config")
    on = {"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}
    account.sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {"VariantName": "One", "ModelName": first, "InitialVariantWeight": 0, **on},
            {"VariantName": "Two", "ModelName": second, "InitialVariantWeight": 1, **on},
        ],
    )
    endpoint = account.deploy(name)["EndpointName"]
    assert {account.invoke(endpoint)["word"] for _ in range(10)} == {"two"}
    assert account.invoke(endpoint, TargetVariant="One")["word"] == "one"
    with pytest.raises(ClientError, match="Variant Three not found"):
        account.invoke(endpoint, TargetVariant="Three")


def test_containers_in_a_row_pass_answers_on(account: Account) -> None:
    handler = """
import json, os
def model_fn(model_dir): return os.environ["WORD"]
def input_fn(body, content_type): return json.loads(body)
def predict_fn(data, model): return data + [model]
def output_fn(prediction, accept): return json.dumps(prediction), "application/json"
"""
    url = account.upload(pack({"code/inference.py": handler}))
    name = account.name("model")
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    containers = [
        {"Image": IMAGE, "ModelDataUrl": url, "Environment": {**environment, "WORD": word}}
        for word in ("first", "second")
    ]
    account.sagemaker.create_model(ModelName=name, ExecutionRoleArn=account.base(), Containers=containers)
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    account.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    answer: Any = account.invoke(account.deploy(name)["EndpointName"], b'["sent"]')
    assert answer == ["sent", "first", "second"]


def test_an_archive_that_is_not_there_fails_the_endpoint(account: Account) -> None:
    description = account.deploy(account.config("s3://models/nothing/model.tar.gz"))
    assert description["EndpointStatus"] == "Failed"
    assert description["FailureReason"] == (
        'Failed to download model data for container "container_1" from URL: "s3://models/nothing/model.tar.gz". '
        "Please ensure that there is an object located at the URL and that the role passed to CreateModel has "
        "permissions to download the model."
    )
    with pytest.raises(ClientError) as caught:
        account.invoke(description["EndpointName"])
    assert caught.value.response["Error"] == {
        "Code": "ValidationError",
        "Message": f"Endpoint {description['EndpointName']} of account 123456789012 not found.",
    }


def test_a_role_that_is_not_there_fails_the_endpoint(account: Account) -> None:
    role = "arn:aws:iam::123456789012:role/nobody"
    description = account.deploy(account.config(account.upload(echo("x")), role=role))
    assert description["EndpointStatus"] == "Failed"
    assert description["FailureReason"] == (
        f'The execution role ARN "{role}" is invalid. Please ensure that the role exists and that its trust '
        'relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com".'
    )


@pytest.mark.parametrize(
    ("files", "cause"),
    [
        ({"other.py": ""}, "from the top of its code only. Its code is what SAGEMAKER_SUBMIT_DIRECTORY names, s3://"),
        ({"other.py": ""}, "At the top there is: other.py."),
        ({"inference.py": "def model_fn(:"}, "SyntaxError"),
        ({"inference.py": "import no_such_module"}, "No module named 'no_such_module'"),
        ({"inference.py": "import container"}, "No module named 'container'"),
        ({"inference.py": ""}, "The handler has no model_fn"),
        ({"inference.py": "def model_fn(d): raise OSError('no such model')"}, "no such model"),
        ({"inference.py": ECHO.format(word="x"), "versions.json": '{"scikit-learn": "0.23.2"}'}, "scikit-learn 0.23.2"),
        ({"inference.py": ECHO.format(word="x"), "versions.json": "{"}, "versions.json is no JSON object"),
    ],
)
def test_a_model_that_does_not_load_fails_the_ping_and_the_log_says_why(
    account: Account, shared_directory: Path, files: dict[str, str], cause: str
) -> None:
    description = account.deploy(account.config(account.upload(pack(files))))
    assert (description["EndpointStatus"], description["FailureReason"]) == ("Failed", NO_PING)
    log = account.log(description["EndpointName"])
    assert cause in log
    assert "Fatal Python error" not in log
    assert log_group(description["EndpointName"]) in (shared_directory / "server.log").read_text()


@pytest.mark.parametrize(
    ("name", "attributes"),
    [("../../escaped", {}), ("escaped", {"type": tarfile.SYMTYPE, "linkname": "../../../../server.json"})],
)
def test_an_archive_that_reaches_outside_fails_the_endpoint(
    account: Account, shared_directory: Path, name: str, attributes: dict[str, Any]
) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo(name)
        vars_of = {"size": 4} | attributes
        for key, value in vars_of.items():
            setattr(member, key, value)
        tar.addfile(member, io.BytesIO(b"evil"))
    description = account.deploy(account.config(account.upload(buffer.getvalue())))
    assert description["EndpointStatus"] == "Failed"
    assert "Please ensure that the object located at the URL is a valid tar.gz archive" in description["FailureReason"]
    assert not list(shared_directory.rglob("*escaped*"))


def test_a_failed_update_rolls_back_and_the_old_model_goes_on(account: Account) -> None:
    config = account.config(account.upload(echo("old")))
    name = account.deploy(config)["EndpointName"]
    description = account.update(name, account.config(account.upload(pack({"inference.py": "1 / 0"}))))
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", config)
    assert description["FailureReason"] == NO_PING
    assert account.invoke(name)["word"] == "old"
    again = account.update(name, account.config(account.upload(echo("new"))))
    assert "FailureReason" not in again
    assert account.invoke(name)["word"] == "new"


@pytest.mark.parametrize(
    ("output", "status", "who", "message"),
    [
        ('return Response(\'{"error": "no rows"}\', 400)', 400, "client", '{"error": "no rows"}'),
        ("return Response('busy', 503)", 503, "server", "busy"),
        ("raise ValueError('secret')", 500, "server", "Internal Server Error"),
    ],
)
def test_what_a_container_refuses_is_a_model_error(
    account: Account, output: str, status: int, who: str, message: str
) -> None:
    handler = (
        "from flask import Response\ndef model_fn(d): return 1\ndef input_fn(b, t): return b\n"
        f"def predict_fn(d, m): return d\ndef output_fn(p, a): {output}\n"
    )
    name = account.deploy(account.config(account.upload(pack({"inference.py": handler}))))["EndpointName"]
    with pytest.raises(ClientError) as caught:
        account.invoke(name)
    answer: Any = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["Error"]["Code"] == "ModelError"
    assert answer["Error"]["Message"].startswith(f"Received {who} error ({status}) from primary with message ")
    assert answer["Error"]["Message"].endswith(
        f"group=/aws/sagemaker/Endpoints/{name} in account 123456789012 for more information."
    )
    assert answer["OriginalStatusCode"] == status
    assert message in answer["OriginalMessage"]
    assert "secret" not in answer["OriginalMessage"]
    assert name in answer["LogStreamArn"]


def test_a_dead_worker_is_started_again(account: Account) -> None:
    name = account.deploy(account.config(account.upload(echo("x"))))["EndpointName"]
    first = account.kill_worker(name)
    second = account.invoke(name)["pid"]
    assert second != first
    assert account.invoke(name)["pid"] == second


def test_a_worker_that_dies_over_a_request_is_a_model_error(account: Account) -> None:
    handler = "import os\ndef model_fn(d): return 1\ndef input_fn(b, t): os._exit(1)\n"
    name = account.deploy(account.config(account.upload(pack({"inference.py": handler}))))["EndpointName"]
    with pytest.raises(ClientError, match="The container gave no response") as caught:
        account.invoke(name)
    assert caught.value.response["Error"]["Code"] == "ModelError"


@pytest.mark.parametrize(("variant", "limit"), [({}, 6 * 2**20), (SERVERLESS, 4 * 2**20)])
def test_a_body_has_a_limit(account: Account, variant: dict[str, Any], limit: int) -> None:
    name = account.deploy(account.config(account.upload(echo("x")), variant=variant))["EndpointName"]
    answer = account.runtime.invoke_endpoint(EndpointName=name, Body=b"0" * limit, ContentType="text/csv")
    assert len(json.loads(answer["Body"].read())["body"]) == limit
    with pytest.raises(ClientError, match=f"Member must have length less than or equal to {limit}") as caught:
        account.runtime.invoke_endpoint(EndpointName=name, Body=b"0" * (limit + 1), ContentType="text/csv")
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_a_deleted_endpoint_is_gone_with_its_worker_and_files(account: Account, shared_directory: Path) -> None:
    name = account.deploy(account.config(account.upload(echo("x"))))["EndpointName"]
    pid = account.invoke(name)["pid"]
    account.sagemaker.delete_endpoint(EndpointName=name)
    account.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 1})
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (shared_directory / "endpoints" / name).exists()


def test_an_endpoint_serves_on_without_its_model_and_configuration(account: Account) -> None:
    config = account.config(url := account.upload(echo("x")))
    name = account.deploy(config)["EndpointName"]
    account.sagemaker.delete_endpoint_config(EndpointConfigName=config)
    account.sagemaker.delete_model(ModelName=config)
    account.s3.delete_object(Bucket="models", Key=url.removeprefix("s3://models/"))
    account.kill_worker(name)
    assert account.invoke(name)["word"] == "x"


def test_an_object_in_parts_and_its_conditions(account: Account) -> None:
    body = os.urandom(9 * 2**20)
    account.s3.upload_fileobj(io.BytesIO(body), "models", "parts", ExtraArgs={"Metadata": {"scikit-learn": "1.9.1"}})
    content = account.s3.get_object(Bucket="models", Key="parts")
    assert content["Metadata"] == {"scikit-learn": "1.9.1"}
    assert content["Body"].read() == body
    with pytest.raises(ClientError, match="PreconditionFailed"):
        account.s3.put_object(Bucket="models", Key="parts", Body=b"", IfNoneMatch="*")


def test_a_new_bucket_keeps_the_tags_that_it_is_made_with(account: Account) -> None:
    tags = [{"Key": "team", "Value": "ml & co"}, {"Key": "é", "Value": ""}]
    account.s3.create_bucket(Bucket="tagged", CreateBucketConfiguration={"Tags": tags})
    kept = account.s3.get_bucket_tagging(Bucket="tagged")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in kept} == {"team": "ml & co", "é": ""}
    account.s3.put_bucket_tagging(Bucket="tagged", Tagging={"TagSet": [{"Key": "empty", "Value": ""}]})
    assert account.s3.get_bucket_tagging(Bucket="tagged")["TagSet"] == [{"Key": "empty", "Value": ""}]
    account.s3.create_bucket(Bucket="bare")
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        account.s3.get_bucket_tagging(Bucket="bare")


def test_a_policy_that_asks_for_tls_lets_the_loopback_in_and_other_denials_stand(account: Account) -> None:
    account.s3.create_bucket(Bucket="guarded")

    def rule(action: str, **members: object) -> dict[str, object]:
        resources = ["arn:aws:s3:::guarded", "arn:aws:s3:::guarded/*"]
        return {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resources, **members}

    tls = rule("s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    for statement in (tls, [tls], [tls, rule("s3:DeleteObject")]):
        account.s3.put_bucket_policy(Bucket="guarded", Policy=json.dumps({"Statement": statement}))
        account.s3.put_object(Bucket="guarded", Key="key", Body=b"1")
        assert account.s3.get_object(Bucket="guarded", Key="key")["Body"].read() == b"1"
    with pytest.raises(ClientError, match=r"Forbidden|AccessDenied"):
        account.s3.delete_object(Bucket="guarded", Key="key")


def test_a_region_that_aws_does_not_have_is_refused(account: Account) -> None:
    authorization = "AWS4-HMAC-SHA256 Credential=local/20260101/eu-west-9/sagemaker/aws4_request, Signature=x"
    status, text = send(account, "POST", "/", X_Amz_Target="SageMaker.ListModels", Authorization=authorization)
    assert status == 400
    assert "The local AWS has no region eu-west-9. It has: " in text


@pytest.mark.parametrize("origin", ["http://example.com", "null", "http://127.0.0.1:1"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/models/parts"), ("OPTIONS", "/models"), ("GET", "/_local")])
def test_a_page_from_elsewhere_is_refused(account: Account, origin: str, method: str, path: str) -> None:
    assert send(account, method, path, Origin=origin) == (403, f"Refused: the request comes from a page of {origin}.\n")


def test_a_name_that_only_leads_here_is_refused(account: Account) -> None:
    assert send(account, "GET", "/_local", Host="rebound.example.com")[0] == 403


def test_the_servers_own_origin_is_served(account: Account) -> None:
    assert send(account, "GET", "/_local", Origin=account.url)[0] == 200
