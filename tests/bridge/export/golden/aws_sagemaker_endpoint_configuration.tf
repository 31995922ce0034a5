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
  region = "us-east-1"
}

resource "aws_sagemaker_endpoint_configuration" "aws_sagemaker_endpoint_configuration_all" {
  execution_role_arn = "arn:aws:iam::123456789012:role/sagebridge-20261122221242804000000002"
  kms_key_arn        = "arn:aws:kms:us-east-1:123456789012:key/11111111-1111-1111-1111-111111111111"
  name               = "f0f56d5c2-before"
  region             = "us-east-1"

  tags = {
    old   = "yes"
    stage = "test"
    team  = "ml"
  }

  data_capture_config {
    destination_s3_uri          = "s3://f0f56d5c2/captured-0"
    enable_capture              = true
    initial_sampling_percentage = 50
    kms_key_id                  = "arn:aws:kms:us-east-1:123456789012:key/11111111-1111-1111-1111-111111111111"

    capture_content_type_header {
      csv_content_types  = ["text/csv", "text/x-csv"]
      json_content_types = ["application/json", "application/x-json"]
    }

    capture_options {
      capture_mode = "Input"
    }

    capture_options {
      capture_mode = "Output"
    }
  }

  production_variants {
    accelerator_type                                  = "ml.eia2.medium"
    container_startup_health_check_timeout_in_seconds = 60
    enable_ssm_access                                 = false
    inference_ami_version                             = "al2-ami-sagemaker-inference-gpu-2"
    initial_instance_count                            = 1
    initial_variant_weight                            = 1
    instance_type                                     = "ml.m5.xlarge"
    model_data_download_timeout_in_seconds            = 60
    model_name                                        = "aws-sagemaker-model-live-da8c0d0"
    variant_name                                      = "First0"
    volume_size_in_gb                                 = 10

    core_dump_config {
      destination_s3_uri = "s3://f0f56d5c2/cores-0"
      kms_key_id         = "arn:aws:kms:us-east-1:123456789012:key/11111111-1111-1111-1111-111111111111"
    }

    managed_instance_scaling {
      max_instance_count = 3
      min_instance_count = 1
      status             = "ENABLED"
    }

    routing_config {
      routing_strategy = "LEAST_OUTSTANDING_REQUESTS"
    }
  }

  shadow_production_variants {
    accelerator_type                                  = "ml.eia2.medium"
    container_startup_health_check_timeout_in_seconds = 60
    enable_ssm_access                                 = false
    inference_ami_version                             = "al2-ami-sagemaker-inference-gpu-2"
    initial_instance_count                            = 1
    initial_variant_weight                            = 1
    instance_type                                     = "ml.m5.xlarge"
    model_data_download_timeout_in_seconds            = 60
    model_name                                        = "aws-sagemaker-model-live-da8c0d0"
    variant_name                                      = "Shadow0"
    volume_size_in_gb                                 = 10

    core_dump_config {
      destination_s3_uri = "s3://f0f56d5c2/cores-0"
      kms_key_id         = "arn:aws:kms:us-east-1:123456789012:key/11111111-1111-1111-1111-111111111111"
    }

    managed_instance_scaling {
      max_instance_count = 3
      min_instance_count = 1
      status             = "ENABLED"
    }

    routing_config {
      routing_strategy = "LEAST_OUTSTANDING_REQUESTS"
    }
  }
}

import {
  to = aws_sagemaker_endpoint_configuration.aws_sagemaker_endpoint_configuration_all
  id = "f0f56d5c2-before"
}
