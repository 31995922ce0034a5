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

# Not carried: acl. AWS does not keep it, so an import that brings it is a change; add it
# afterwards.
# Not carried: content. AWS does not keep it, so an import that brings it is a change; add it
# afterwards.
resource "aws_s3_bucket_object" "older" {
  bucket = "bucket-afc811f"
  key    = "older.txt"

  lifecycle {
    ignore_changes = [acl, force_destroy]
  }
}

import {
  to = aws_s3_bucket_object.older
  id = "bucket-afc811f/older.txt"
}
