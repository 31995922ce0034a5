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

resource "aws_iam_role_policy" "role_policy" {
  role = "role-159a200"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "arn:aws:s3:::b/$${aws:username}/*"
      },
    ]
  })

  lifecycle {
    create_before_destroy = true
  }
}

import {
  to = aws_iam_role_policy.role_policy
  id = "role-159a200:role.policy-fe516c4"
}
