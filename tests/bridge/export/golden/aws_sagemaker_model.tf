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

resource "aws_sagemaker_model" "aws_sagemaker_model_row" {
  execution_role_arn = "arn:aws:iam::123456789012:role/sagebridge-20261122221242804000000002"

  container {
    container_hostname = "first0"
    image              = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
    mode               = "SingleModel"
    model_data_url     = "s3://sagebridge-20261122221242456500000001/models/boston-housing/18ca767c2525743e6d23528372b5c4ea0ca8359e920a65f67c34668303fcf842/model.tar.gz"

    environment = {
      NUMBER            = "0"
      SAGEMAKER_PROGRAM = "inference.py"
    }

    additional_model_data_source {
      channel_name = "draft0"

      s3_data_source {
        compression_type = "None"
        s3_data_type     = "S3Prefix"
        s3_uri           = "s3://sagebridge-20261122221242456500000001/models/boston-housing/18ca767c2525743e6d23528372b5c4ea0ca8359e920a65f67c34668303fcf842/"

        model_access_config {
          accept_eula = false
        }
      }
    }

    image_config {
      repository_access_mode = "Vpc"

      repository_auth_config {
        repository_credentials_provider_arn = "arn:aws:lambda:us-east-1:123456789012:function:registry-login0"
      }
    }
  }

  container {
    container_hostname = "second"
    image              = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
    mode               = "SingleModel"

    model_data_source {
      s3_data_source {
        compression_type = "Gzip"
        s3_data_type     = "S3Object"
        s3_uri           = "s3://sagebridge-20261122221242456500000001/models/boston-housing/18ca767c2525743e6d23528372b5c4ea0ca8359e920a65f67c34668303fcf842/model.tar.gz"

        model_access_config {
          accept_eula = false
        }
      }
    }
  }

  inference_execution_config {
    mode = "Serial"
  }

  lifecycle {
    create_before_destroy = true
  }
}

import {
  to = aws_sagemaker_model.aws_sagemaker_model_row
  id = "aws-sagemaker-model-row-c3e87e9"
}
