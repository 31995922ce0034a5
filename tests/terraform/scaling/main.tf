# Everything around the scaling of an endpoint's variant, for test_scaling.py; `size` makes a change in most of it.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" {
  type = string
}
variable "size" {
  type    = number
  default = 4
}

resource "aws_appautoscaling_target" "t" {
  service_namespace  = "sagemaker"
  resource_id        = "endpoint/${var.endpoint}/variant/v"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  min_capacity       = 1
  max_capacity       = var.size
  tags               = { a = "b${var.size}" }
  dynamic "suspended_state" {
    for_each = var.size == 4 ? [] : [1]
    content {
      dynamic_scaling_in_suspended = true
    }
  }
}
resource "aws_appautoscaling_policy" "tt" {
  name               = "tt"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.t.resource_id
  scalable_dimension = aws_appautoscaling_target.t.scalable_dimension
  service_namespace  = aws_appautoscaling_target.t.service_namespace
  target_tracking_scaling_policy_configuration {
    predefined_metric_specification {
      predefined_metric_type = "SageMakerVariantInvocationsPerInstance"
    }
    target_value       = (var.size * 10.5)
    scale_in_cooldown  = 60
    scale_out_cooldown = 60
  }
}
resource "aws_appautoscaling_policy" "custom" {
  name               = "custom"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.t.resource_id
  scalable_dimension = aws_appautoscaling_target.t.scalable_dimension
  service_namespace  = aws_appautoscaling_target.t.service_namespace
  target_tracking_scaling_policy_configuration {
    disable_scale_in = true
    target_value     = (var.size * 10.5)
    customized_metric_specification {
      metrics {
        id          = "m1"
        return_data = false
        metric_stat {
          stat = "Sum"
          metric {
            metric_name = "Invocations"
            namespace   = "AWS/SageMaker"
            dimensions {
              name  = "EndpointName"
              value = var.endpoint
            }
          }
        }
      }
      metrics {
        id          = "e1"
        label       = "x"
        expression  = "m1 / 2"
        return_data = true
      }
    }
  }
}
resource "aws_appautoscaling_policy" "custom2" {
  name               = "custom2"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.t.resource_id
  scalable_dimension = aws_appautoscaling_target.t.scalable_dimension
  service_namespace  = aws_appautoscaling_target.t.service_namespace
  target_tracking_scaling_policy_configuration {
    target_value = (var.size * 10.5)
    customized_metric_specification {
      metric_name = "CPUUtilization"
      namespace   = "/aws/sagemaker/Endpoints"
      statistic   = "Average"
      unit        = "Percent"
      dimensions {
        name  = "EndpointName"
        value = var.endpoint
      }
      dimensions {
        name  = "VariantName"
        value = "v"
      }
    }
  }
}
resource "aws_appautoscaling_policy" "step" {
  name               = "step"
  policy_type        = "StepScaling"
  resource_id        = aws_appautoscaling_target.t.resource_id
  scalable_dimension = aws_appautoscaling_target.t.scalable_dimension
  service_namespace  = aws_appautoscaling_target.t.service_namespace
  step_scaling_policy_configuration {
    adjustment_type         = "ChangeInCapacity"
    cooldown                = 60
    metric_aggregation_type = "Maximum"
    step_adjustment {
      metric_interval_lower_bound = 0
      metric_interval_upper_bound = 10
      scaling_adjustment          = 1
    }
    step_adjustment {
      metric_interval_lower_bound = 10
      scaling_adjustment          = var.size
    }
  }
}
resource "aws_appautoscaling_scheduled_action" "s" {
  name               = "s"
  service_namespace  = aws_appautoscaling_target.t.service_namespace
  resource_id        = aws_appautoscaling_target.t.resource_id
  scalable_dimension = aws_appautoscaling_target.t.scalable_dimension
  schedule           = "cron(0 ${var.size} * * ? *)"
  timezone           = "Europe/Berlin"
  start_time         = "2027-01-01T00:00:00Z"
  scalable_target_action {
    min_capacity = 1
    max_capacity = var.size
  }
}
resource "aws_appautoscaling_scheduled_action" "at" {
  name               = "at"
  service_namespace  = aws_appautoscaling_target.t.service_namespace
  resource_id        = aws_appautoscaling_target.t.resource_id
  scalable_dimension = aws_appautoscaling_target.t.scalable_dimension
  schedule           = "at(2036-01-01T0${var.size}:00:00)"
  scalable_target_action {
    min_capacity = 0
  }
}
resource "aws_cloudwatch_metric_alarm" "plain" {
  alarm_name                = "plain"
  comparison_operator       = "GreaterThanThreshold"
  evaluation_periods        = 3
  datapoints_to_alarm       = 2
  metric_name               = "Invocation5XXErrors"
  namespace                 = "AWS/SageMaker"
  period                    = 60
  statistic                 = "Sum"
  threshold                 = (var.size * 10.5)
  alarm_description         = "x"
  treat_missing_data        = "notBreaching"
  dimensions                = { EndpointName = var.endpoint, VariantName = "v" }
  alarm_actions             = [aws_appautoscaling_policy.step.arn]
  ok_actions                = ["arn:aws:sns:us-east-1:123456789012:t"]
  insufficient_data_actions = ["arn:aws:sns:us-east-1:123456789012:t"]
  unit                      = "Count"
  tags                      = { a = "b${var.size}" }
}
resource "aws_cloudwatch_metric_alarm" "p99" {
  alarm_name                            = "p99"
  comparison_operator                   = "GreaterThanOrEqualToThreshold"
  evaluation_periods                    = 1
  metric_name                           = "ModelLatency"
  namespace                             = "AWS/SageMaker"
  period                                = 10
  extended_statistic                    = "p99.9"
  threshold                             = 1.5 * (var.size * 10.5)
  actions_enabled                       = false
  evaluate_low_sample_count_percentiles = "ignore"
  dimensions                            = { EndpointName = var.endpoint, VariantName = "v" }
}
resource "aws_cloudwatch_metric_alarm" "bare" {
  alarm_name          = "bare"
  comparison_operator = "LessThanThreshold"
  evaluation_periods  = 1
  metric_name         = "X"
  namespace           = "Y"
  period              = 300
  statistic           = "Minimum"
  threshold           = 0
}
resource "aws_cloudwatch_metric_alarm" "math" {
  alarm_name          = "math"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 2
  threshold           = (var.size * 10.5)
  metric_query {
    id          = "e1"
    expression  = "m2/m1*100"
    label       = "Error Rate"
    return_data = true
  }
  metric_query {
    id = "m1"
    metric {
      metric_name = "Invocations"
      namespace   = "AWS/SageMaker"
      period      = 120
      stat        = "Sum"
      unit        = "Count"
      dimensions  = { EndpointName = var.endpoint, VariantName = "v" }
    }
  }
  metric_query {
    id = "m2"
    metric {
      metric_name = "Invocation5XXErrors"
      namespace   = "AWS/SageMaker"
      period      = 120
      stat        = "Sum"
      dimensions  = { EndpointName = var.endpoint, VariantName = "v" }
    }
  }
}
