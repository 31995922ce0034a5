# A module as a registry has them: it makes what its variables ask for, with a role and a bucket of its own, and its
# blocks are not the caller's to change. For test_without_module.py.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

locals {
  create_role  = var.execution_role_arn == null
  role_arn     = local.create_role ? aws_iam_role.this[0].arn : var.execution_role_arn
  autoscaled   = var.autoscaling == null ? [] : [var.autoscaling]
  notification = toset(["errors", "successes"])
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["sagemaker.amazonaws.com"]
    }
  }
}

resource "terraform_data" "revision" {
  input = var.name
}

resource "aws_iam_role" "this" {
  count                = local.create_role ? 1 : 0
  name_prefix          = "${substr(var.name, 0, 20)}-"
  path                 = "/serving/"
  description          = "Runs ${var.name}"
  max_session_duration = 7200
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  tags                 = var.tags
}

resource "aws_iam_role_policy" "this" {
  count = local.create_role ? 1 : 0
  name  = "models"
  role  = aws_iam_role.this[0].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "${aws_s3_bucket.capture.arn}/*" }]
  })
}

resource "aws_iam_policy" "logs" {
  name = "${var.name}-logs"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["logs:PutLogEvents"], Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each   = { logs = aws_iam_policy.logs.arn }
  role       = aws_iam_role.this[0].name
  policy_arn = each.value
}

resource "aws_s3_bucket" "capture" {
  bucket_prefix = "${substr(var.name, 0, 20)}-"
  force_destroy = true
  tags          = var.tags
}

resource "aws_s3_bucket_versioning" "capture" {
  bucket = aws_s3_bucket.capture.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "capture" {
  bucket              = aws_s3_bucket.capture.id
  block_public_acls   = true
  block_public_policy = true
}

resource "aws_sns_topic" "this" {
  for_each = local.notification
  name     = "${var.name}-${each.key}"
}

resource "aws_cloudwatch_metric_alarm" "topic" {
  for_each            = aws_sns_topic.this
  alarm_name          = "${each.value.name}-failed"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  metric_name         = "NumberOfNotificationsFailed"
  namespace           = "AWS/SNS"
  period              = 60
  statistic           = "Sum"
  threshold           = 0
  dimensions          = { TopicName = each.value.name }
  alarm_actions       = [each.value.arn]
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/serving/${var.name}"
  retention_in_days = 30
}

resource "aws_sagemaker_model" "this" {
  name               = "${var.name}-model"
  execution_role_arn = local.role_arn
  tags               = var.tags

  primary_container {
    image          = var.image
    model_data_url = var.model_data

    environment = {
      SAGEMAKER_PROGRAM          = "inference.py"
      SAGEMAKER_SUBMIT_DIRECTORY = var.model_data
    }
  }
}

resource "aws_sagemaker_endpoint_configuration" "this" {
  count = 1
  name  = "${var.name}-config"
  tags  = var.tags

  production_variants {
    variant_name           = "AllTraffic"
    model_name             = aws_sagemaker_model.this.name
    instance_type          = "ml.m5.large"
    initial_instance_count = 1
  }
}

resource "aws_sagemaker_endpoint" "this" {
  name                 = var.name
  endpoint_config_name = aws_sagemaker_endpoint_configuration.this[0].name
  tags                 = var.tags
}

resource "aws_appautoscaling_target" "this" {
  count              = length(local.autoscaled)
  service_namespace  = "sagemaker"
  resource_id        = "endpoint/${aws_sagemaker_endpoint.this.name}/variant/AllTraffic"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  min_capacity       = local.autoscaled[count.index].min
  max_capacity       = local.autoscaled[count.index].max
}

resource "aws_appautoscaling_policy" "this" {
  count              = length(local.autoscaled)
  name               = "${var.name}-scaling"
  policy_type        = "TargetTrackingScaling"
  resource_id        = aws_appautoscaling_target.this[count.index].resource_id
  scalable_dimension = aws_appautoscaling_target.this[count.index].scalable_dimension
  service_namespace  = aws_appautoscaling_target.this[count.index].service_namespace

  target_tracking_scaling_policy_configuration {
    target_value = local.autoscaled[count.index].target

    predefined_metric_specification {
      predefined_metric_type = "SageMakerVariantInvocationsPerInstance"
    }
  }
}
