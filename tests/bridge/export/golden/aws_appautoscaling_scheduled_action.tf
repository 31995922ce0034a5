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

resource "aws_appautoscaling_scheduled_action" "aws_appautoscaling_scheduled_action_all" {
  end_time           = "2099-02-01T00:00:00Z"
  name               = "f0f56d5c2-nightly"
  region             = "us-east-1"
  resource_id        = "endpoint/f0f56d5c2-plain/variant/AllTraffic"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  schedule           = "cron(0 22 * * ? *)"
  service_namespace  = "sagemaker"
  start_time         = "2099-01-01T00:00:00Z"
  timezone           = "Europe/Berlin"

  scalable_target_action {
    max_capacity = "2"
    min_capacity = "1"
  }
}
