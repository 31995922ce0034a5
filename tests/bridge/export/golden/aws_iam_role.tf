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
  max_retries                 = 2
  profile                     = "local"
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
}

resource "aws_iam_role" "role" {
  description          = "\"quoted\""
  max_session_duration = 3600
  path                 = "/"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Action = "sts:AssumeRole"
        Effect = "Allow"
        Principal = {
          Service = "sagemaker.amazonaws.com"
        }
        Condition = {
          StringLike = {
            "aws:PrincipalTag/team" = "$${aws:username}"
          }
        }
      },
    ]
  })

  tags = {
    "é" = "x"
  }

  lifecycle {
    create_before_destroy = true
  }
}

import {
  to = aws_iam_role.role
  id = "role-159a200"
}
