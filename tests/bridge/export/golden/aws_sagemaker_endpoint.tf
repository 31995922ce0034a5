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

resource "aws_sagemaker_endpoint" "aws_sagemaker_endpoint_shifted" {
  endpoint_config_name = "f0f56d5c2-live-0-20261122221345366000000001"
  name                 = "f0f56d5c2-shifted"

  deployment_config {
    auto_rollback_configuration {
      alarms {
        alarm_name = "f0f56d5c2-all"
      }

      alarms {
        alarm_name = "f0f56d5c2-queries"
      }
    }

    blue_green_update_policy {
      maximum_execution_timeout_in_seconds = 1800
      termination_wait_in_seconds          = 120

      traffic_routing_configuration {
        type                     = "CANARY"
        wait_interval_in_seconds = 60

        canary_size {
          type  = "CAPACITY_PERCENT"
          value = 10
        }
      }
    }
  }
}

import {
  to = aws_sagemaker_endpoint.aws_sagemaker_endpoint_shifted
  id = "f0f56d5c2-shifted"
}
