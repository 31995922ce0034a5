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

# Not carried: source. The asset is a file of the machine that ran Pulumi; name it in Terraform.
resource "aws_s3_object" "text" {
  bucket = "bucket-35394e7"
  key    = "a/b c.txt"
}

import {
  to = aws_s3_object.text
  id = "bucket-35394e7/a/b c.txt"
}
