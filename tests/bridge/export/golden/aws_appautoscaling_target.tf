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

resource "aws_appautoscaling_target" "endpoint_Most_scaling" {
  max_capacity       = 3
  min_capacity       = 1
  resource_id        = "endpoint/t5ae5c8dd/variant/Most"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  service_namespace  = "sagemaker"

  tags = {
    stage = "test"
  }
}

import {
  to = aws_appautoscaling_target.endpoint_Most_scaling
  id = "sagemaker/endpoint/t5ae5c8dd/variant/Most/sagemaker:variant:DesiredInstanceCount"
}
