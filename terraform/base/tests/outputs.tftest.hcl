# Other programs read these outputs from the state; their names are a contract. Names and tags reach the resources.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "123456789012"
      arn        = "arn:aws:iam::123456789012:user/platform"
    }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/sagebridge-1" }
  }

  mock_resource "aws_s3_bucket" {
    defaults = {
      arn = "arn:aws:s3:::sagebridge-1"
      id  = "sagebridge-1"
    }
  }
}

run "defaults" {
  assert {
    condition     = output.bucket_arn == "arn:aws:s3:::sagebridge-1"
    error_message = "bucket_arn is the bucket's ARN."
  }

  assert {
    condition     = output.bucket_name == "sagebridge-1"
    error_message = "bucket_name is the bucket's name."
  }

  assert {
    condition     = output.execution_role_arn == "arn:aws:iam::123456789012:role/sagebridge-1"
    error_message = "execution_role_arn is the role's ARN."
  }

  assert {
    condition     = output.model_prefix == "models"
    error_message = "model_prefix is \"models\" unless asked otherwise."
  }
}

run "names_and_tags" {
  variables {
    model_prefix = "team/models"
    name         = "team-7"
    tags         = { Team = "7" }
  }

  assert {
    condition     = output.model_prefix == "team/models"
    error_message = "model_prefix is the one that was asked for."
  }

  assert {
    condition     = aws_s3_bucket.models.bucket_prefix == "team-7-" && aws_iam_role.execution.name_prefix == "team-7-"
    error_message = "Both names start with var.name; the rest is unique."
  }

  assert {
    condition     = aws_s3_bucket.models.tags == tomap({ Team = "7" }) && aws_iam_role.execution.tags == tomap({ Team = "7" })
    error_message = "The tags are on the bucket and the role."
  }
}
