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

resource "aws_iam_role_policy_attachment" "role_policy" {
  policy_arn = "arn:aws:iam::123456789012:policy/role-policy-46c1c14"
  role       = "role-159a200"
}

import {
  to = aws_iam_role_policy_attachment.role_policy
  id = "role-159a200/arn:aws:iam::123456789012:policy/role-policy-46c1c14"
}
