# A warehouse that Terraform made, and that Pulumi has imported: resources by count and for_each, nested blocks, policies.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {}

locals {
  stages = toset(["landing", "marts"])
}

resource "aws_s3_bucket" "stage" {
  for_each = local.stages
  bucket   = "warehouse-${each.key}"
  tags     = { stage = each.key }
}

resource "aws_s3_bucket_versioning" "stage" {
  for_each = local.stages
  bucket   = aws_s3_bucket.stage[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "landing" {
  bucket = aws_s3_bucket.stage["landing"].id

  rule {
    id     = "old"
    status = "Enabled"

    filter {
      prefix = "raw/"
    }

    expiration {
      days = 90
    }
  }
}

resource "aws_iam_role" "loader" {
  name = "warehouse-loader"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_policy" "stage" {
  for_each    = local.stages
  name        = "warehouse-${each.key}"
  description = "Loads ${each.key}"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = "${aws_s3_bucket.stage[each.key].arn}/*"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "stage" {
  for_each   = local.stages
  role       = aws_iam_role.loader.name
  policy_arn = aws_iam_policy.stage[each.key].arn
}

resource "aws_cloudwatch_log_group" "load" {
  name              = "/warehouse/load"
  retention_in_days = 7
}

resource "aws_sns_topic" "late" {
  name         = "warehouse-late"
  display_name = "Late loads"
}

resource "aws_sns_topic_policy" "late" {
  arn = aws_sns_topic.late.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sns:Publish"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Resource  = aws_sns_topic.late.arn
    }]
  })
}

resource "aws_cloudwatch_metric_alarm" "late" {
  count               = 2
  alarm_name          = "warehouse-late-${count.index}"
  comparison_operator = "LessThanThreshold"
  evaluation_periods  = count.index + 1
  threshold           = 1
  metric_name         = "Loads"
  namespace           = "Warehouse"
  period              = 3600
  statistic           = "Sum"
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.late.arn]
}
