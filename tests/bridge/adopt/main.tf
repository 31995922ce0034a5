# Endpoints of the module, two of them with what scales and watches them, and an endpoint with a secret beside them; for
# test_adopt.py. The policy of `beside` has a name that is not the component's.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "names" {
  type = map(string)
}
variable "execution_role_arn" {
  type = string
}
variable "model_data" {
  type = string
}
variable "token" {
  type      = string
  sensitive = true
}

provider "aws" {
  alias  = "here"
  region = "us-east-1"

  default_tags {
    tags = { owner = "platform" }
  }
}

module "served" {
  source    = "./endpoint"
  for_each  = { for key, name in var.names : key => name if key != "secret" }
  providers = { aws = aws.here }

  endpoint_name      = each.value
  execution_role_arn = var.execution_role_arn
  model_data         = var.model_data
  serverless         = each.key == "serverless" ? {} : null
  tags               = { team = "ml" }
}

locals {
  scaled = { for key, name in var.names : key => module.served[key].endpoint_name if contains(["scaled", "beside"], key) }
}

resource "aws_appautoscaling_target" "scaled" {
  for_each           = local.scaled
  provider           = aws.here
  service_namespace  = "sagemaker"
  resource_id        = "endpoint/${each.value}/variant/AllTraffic"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  min_capacity       = 1
  max_capacity       = 3
  tags               = { team = "ml" }
}

resource "aws_appautoscaling_policy" "scaled" {
  for_each           = aws_appautoscaling_target.scaled
  provider           = aws.here
  name               = each.key == "beside" ? "mine" : "target-tracking"
  policy_type        = "TargetTrackingScaling"
  resource_id        = each.value.resource_id
  scalable_dimension = each.value.scalable_dimension
  service_namespace  = each.value.service_namespace

  target_tracking_scaling_policy_configuration {
    target_value       = 100
    scale_in_cooldown  = 60
    scale_out_cooldown = 30

    predefined_metric_specification {
      predefined_metric_type = "SageMakerVariantInvocationsPerInstance"
    }
  }
}

resource "aws_appautoscaling_scheduled_action" "scaled" {
  for_each           = aws_appautoscaling_target.scaled
  provider           = aws.here
  name               = "morning"
  service_namespace  = each.value.service_namespace
  resource_id        = each.value.resource_id
  scalable_dimension = each.value.scalable_dimension
  schedule           = "cron(0 5 * * ? *)"
  timezone           = "Europe/Berlin"

  scalable_target_action {
    min_capacity = 1
    max_capacity = 2
  }
}

resource "aws_cloudwatch_metric_alarm" "scaled" {
  for_each            = local.scaled
  provider            = aws.here
  alarm_name          = "${each.value}-errors"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 3
  metric_name         = "Invocation5XXErrors"
  namespace           = "AWS/SageMaker"
  period              = 60
  statistic           = "Sum"
  threshold           = 0
  dimensions          = { EndpointName = each.value, VariantName = "AllTraffic" }
}

resource "aws_sagemaker_model" "secret" {
  count              = contains(keys(var.names), "secret") ? 1 : 0
  execution_role_arn = var.execution_role_arn

  primary_container {
    image          = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
    model_data_url = var.model_data

    environment = {
      SAGEMAKER_PROGRAM          = "inference.py"
      SAGEMAKER_SUBMIT_DIRECTORY = var.model_data
      TOKEN                      = var.token
      TEMPLATE                   = "$${x} %%{y} \"ü\""
    }
  }
}

resource "aws_sagemaker_endpoint_configuration" "secret" {
  count = length(aws_sagemaker_model.secret)

  dynamic "production_variants" {
    for_each = { blue = 0.8, green = 0.2 }

    content {
      variant_name           = production_variants.key
      model_name             = aws_sagemaker_model.secret[0].name
      instance_type          = "ml.m5.large"
      initial_instance_count = 1
      initial_variant_weight = production_variants.value
    }
  }
}

resource "aws_sagemaker_endpoint" "secret" {
  count                = length(aws_sagemaker_model.secret)
  name                 = var.names["secret"]
  endpoint_config_name = aws_sagemaker_endpoint_configuration.secret[0].name
}
