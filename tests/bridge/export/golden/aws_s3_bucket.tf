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

# Not carried: force_destroy. AWS does not keep it, so an import that brings it is a change; add it
# afterwards.
resource "aws_s3_bucket" "bucket" {
  lifecycle {
    create_before_destroy = true
    prevent_destroy       = true
  }
}

import {
  to = aws_s3_bucket.bucket
  id = "bucket-35394e7"
}
