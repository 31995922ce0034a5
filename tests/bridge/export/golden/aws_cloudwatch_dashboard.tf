terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

provider "aws" {
  profile                     = "local"
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_region_validation      = true
  skip_requesting_account_id  = true

  default_tags {
    tags = {
      "cost centre" = "42"
      team          = "ml"
    }
  }
}

resource "aws_cloudwatch_dashboard" "endpoint_dashboard" {
  dashboard_body = "{\"widgets\": [{\"type\": \"metric\", \"x\": 0, \"y\": 0, \"width\": 12, \"height\": 6, \"properties\": {\"title\": \"Invocations\", \"region\": \"us-east-1\", \"view\": \"timeSeries\", \"period\": 60, \"metrics\": [[\"AWS/SageMaker\", \"Invocations\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Most\", {\"stat\": \"Sum\", \"label\": \"Most requests\"}], [\"AWS/SageMaker\", \"Invocations\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Rest\", {\"stat\": \"Sum\", \"label\": \"Rest requests\"}]]}}, {\"type\": \"metric\", \"x\": 12, \"y\": 0, \"width\": 12, \"height\": 6, \"properties\": {\"title\": \"Error rates\", \"region\": \"us-east-1\", \"view\": \"timeSeries\", \"period\": 60, \"metrics\": [[\"AWS/SageMaker\", \"Invocation4XXErrors\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Most\", {\"stat\": \"Average\", \"label\": \"Most 4xx\"}], [\"AWS/SageMaker\", \"Invocation4XXErrors\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Rest\", {\"stat\": \"Average\", \"label\": \"Rest 4xx\"}], [\"AWS/SageMaker\", \"Invocation5XXErrors\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Most\", {\"stat\": \"Average\", \"label\": \"Most 5xx\"}], [\"AWS/SageMaker\", \"Invocation5XXErrors\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Rest\", {\"stat\": \"Average\", \"label\": \"Rest 5xx\"}]]}}, {\"type\": \"metric\", \"x\": 0, \"y\": 6, \"width\": 12, \"height\": 6, \"properties\": {\"title\": \"Model latency\", \"region\": \"us-east-1\", \"view\": \"timeSeries\", \"period\": 60, \"metrics\": [[\"AWS/SageMaker\", \"ModelLatency\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Most\", {\"stat\": \"p50\", \"label\": \"Most p50\"}], [\"AWS/SageMaker\", \"ModelLatency\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Rest\", {\"stat\": \"p50\", \"label\": \"Rest p50\"}], [\"AWS/SageMaker\", \"ModelLatency\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Most\", {\"stat\": \"p99\", \"label\": \"Most p99\"}], [\"AWS/SageMaker\", \"ModelLatency\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Rest\", {\"stat\": \"p99\", \"label\": \"Rest p99\"}]]}}, {\"type\": \"metric\", \"x\": 12, \"y\": 6, \"width\": 12, \"height\": 6, \"properties\": {\"title\": \"Saturation\", \"region\": \"us-east-1\", \"view\": \"timeSeries\", \"period\": 60, \"metrics\": [[\"/aws/sagemaker/Endpoints\", \"CPUUtilization\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Most\", {\"stat\": \"Average\", \"label\": \"Most CPU, % of a core\"}], [\"/aws/sagemaker/Endpoints\", \"CPUUtilization\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Rest\", {\"stat\": \"Average\", \"label\": \"Rest CPU, % of a core\"}], [\"/aws/sagemaker/Endpoints\", \"GPUUtilization\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Most\", {\"stat\": \"Average\", \"label\": \"Most GPU, % of one\"}], [\"/aws/sagemaker/Endpoints\", \"GPUUtilization\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Rest\", {\"stat\": \"Average\", \"label\": \"Rest GPU, % of one\"}], [\"/aws/sagemaker/Endpoints\", \"MemoryUtilization\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Most\", {\"stat\": \"Maximum\", \"label\": \"Most memory, %\"}], [\"/aws/sagemaker/Endpoints\", \"MemoryUtilization\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Rest\", {\"stat\": \"Maximum\", \"label\": \"Rest memory, %\"}], [\"AWS/SageMaker\", \"ConcurrentRequestsPerModel\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Most\", {\"stat\": \"Maximum\", \"label\": \"Most concurrent requests\"}], [\"AWS/SageMaker\", \"ConcurrentRequestsPerModel\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Rest\", {\"stat\": \"Maximum\", \"label\": \"Rest concurrent requests\"}]]}}, {\"type\": \"metric\", \"x\": 0, \"y\": 12, \"width\": 12, \"height\": 6, \"properties\": {\"title\": \"Instances\", \"region\": \"us-east-1\", \"view\": \"timeSeries\", \"period\": 60, \"metrics\": [[\"/aws/sagemaker/Endpoints\", \"CPUUtilization\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Most\", {\"stat\": \"SampleCount\", \"label\": \"Most instances\"}], [\"/aws/sagemaker/Endpoints\", \"CPUUtilization\", \"EndpointName\", \"t5ae5c8dd\", \"VariantName\", \"Rest\", {\"stat\": \"SampleCount\", \"label\": \"Rest instances\"}]]}}]}"
  dashboard_name = "t5ae5c8dd"
}

import {
  to = aws_cloudwatch_dashboard.endpoint_dashboard
  id = "t5ae5c8dd"
}
