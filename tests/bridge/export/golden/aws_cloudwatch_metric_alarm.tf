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

resource "aws_cloudwatch_metric_alarm" "endpoint_Most_saturation" {
  actions_enabled     = true
  alarm_actions       = []
  alarm_description   = "An instance's memory is nearly full."
  comparison_operator = "GreaterThanThreshold"
  datapoints_to_alarm = 3
  evaluation_periods  = 5
  metric_name         = "MemoryUtilization"
  alarm_name          = "t5ae5c8dd-Most-saturation"
  namespace           = "/aws/sagemaker/Endpoints"
  period              = 60
  statistic           = "Maximum"
  threshold           = 90
  treat_missing_data  = "notBreaching"

  dimensions = {
    EndpointName = "t5ae5c8dd"
    VariantName  = "Most"
  }

  tags = {
    stage = "test"
  }
}

import {
  to = aws_cloudwatch_metric_alarm.endpoint_Most_saturation
  id = "t5ae5c8dd-Most-saturation"
}
