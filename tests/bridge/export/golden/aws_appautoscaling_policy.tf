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

resource "aws_appautoscaling_policy" "aws_appautoscaling_policy_computed" {
  name               = "f0f56d5c2-computed"
  policy_type        = "TargetTrackingScaling"
  region             = "us-east-1"
  resource_id        = "endpoint/f0f56d5c2-plain/variant/AllTraffic"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  service_namespace  = "sagemaker"

  target_tracking_scaling_policy_configuration {
    target_value = 50

    customized_metric_specification {
      metrics {
        id          = "all"
        return_data = false

        metric_stat {
          stat = "Sum"
          unit = "Count"

          metric {
            metric_name = "Invocations"
            namespace   = "AWS/SageMaker"

            dimensions {
              name  = "EndpointName"
              value = "f0f56d5c2-plain"
            }
          }
        }
      }

      metrics {
        expression  = "all / 2"
        id          = "half"
        label       = "Half 0"
        return_data = true
      }
    }
  }
}

import {
  to = aws_appautoscaling_policy.aws_appautoscaling_policy_computed
  id = "sagemaker/endpoint/f0f56d5c2-plain/variant/AllTraffic/sagemaker:variant:DesiredInstanceCount/f0f56d5c2-computed"
}
