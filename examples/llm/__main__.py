"""A language model behind OpenAI's API: vLLM serves a model of the Hugging Face Hub on one GPU."""

import pulumi

from sagebridge import SageMakerEndpoint, TerraformBase

config = pulumi.Config("sagebridge")
base = TerraformBase.read(config.require("terraformState"))
endpoint = SageMakerEndpoint(
    "chat",
    {
        "execution_role_arn": base.execution_role_arn,
        "framework": "vllm",
        "hugging_face_model": {"id": "Qwen/Qwen3-8B"},
        "instance_type": "ml.g5.2xlarge",
    },
)
pulumi.export("endpointName", endpoint.endpoint_name)
pulumi.export("openaiBaseUrl", endpoint.openai_base_url)
