# SageMaker alone assumes the role, for this account and region, and gets just what an endpoint needs.
# The caller is in China, so an ARN with a fixed partition shows.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "123456789012"
      arn        = "arn:aws-cn:iam::123456789012:user/platform"
    }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_resource "aws_s3_bucket" {
    defaults = {
      arn = "arn:aws-cn:s3:::sagebridge-1"
      id  = "sagebridge-1"
    }
  }
}

variables {
  image_repositories = ["sagemaker-scikit-learn", "team/*"]
  model_prefix       = "team/models"
  region             = "cn-north-1"
}

run "trust" {
  assert {
    condition = (
      one(data.aws_iam_policy_document.trust.statement).actions == toset(["sts:AssumeRole"]) &&
      one(one(data.aws_iam_policy_document.trust.statement).principals).type == "Service" &&
      one(one(data.aws_iam_policy_document.trust.statement).principals).identifiers == toset(["sagemaker.amazonaws.com"])
    )
    error_message = "SageMaker and no one else assumes the role."
  }

  assert {
    condition = one(one(data.aws_iam_policy_document.trust.statement).condition) == {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = tolist(["arn:aws-cn:sagemaker:cn-north-1:123456789012:*"])
    }
    error_message = "SageMaker assumes the role for this account and region only, in the form that AWS documents for inference."
  }
}

run "permissions" {
  assert {
    condition = {
      for statement in data.aws_iam_policy_document.execution.statement : statement.sid => {
        actions   = statement.actions
        resources = statement.resources
      }
      } == {
      ReadModels = {
        actions   = toset(["s3:GetObject"])
        resources = toset(["arn:aws-cn:s3:::sagebridge-1/team/models/*"])
      }
      ListModels = {
        actions   = toset(["s3:ListBucket"])
        resources = toset(["arn:aws-cn:s3:::sagebridge-1"])
      }
      LogInToEcr = {
        actions   = toset(["ecr:GetAuthorizationToken"])
        resources = toset(["*"])
      }
      PullImages = {
        actions = toset(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"])
        resources = toset([
          "arn:aws-cn:ecr:cn-north-1:*:repository/sagemaker-scikit-learn",
          "arn:aws-cn:ecr:cn-north-1:*:repository/team/*",
        ])
      }
      WriteLogs = {
        actions   = toset(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"])
        resources = toset(["arn:aws-cn:logs:cn-north-1:123456789012:log-group:/aws/sagemaker/Endpoints/*"])
      }
      WriteMetrics = {
        actions   = toset(["cloudwatch:PutMetricData"])
        resources = toset(["*"])
      }
    }
    error_message = "The role may do these things, to these things, and no more."
  }

  assert {
    condition = {
      for statement in data.aws_iam_policy_document.execution.statement : statement.sid => one(statement.condition)
      if length(statement.condition) > 0
      } == {
      ListModels = {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = tolist(["team/models/*"])
      }
      WriteMetrics = {
        test     = "StringEquals"
        variable = "cloudwatch:namespace"
        values   = tolist(["/aws/sagemaker/Endpoints", "AWS/SageMaker"])
      }
    }
    error_message = "Lists show the model prefix only, and metrics go to the endpoints' namespaces only."
  }

  assert {
    condition     = aws_iam_role_policy.execution.role == aws_iam_role.execution.id && aws_iam_role_policy.execution.policy == data.aws_iam_policy_document.execution.json
    error_message = "The permissions are the role's."
  }
}
