# The bucket is private, versioned, encrypted, and reached by TLS only.

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

  mock_resource "aws_s3_bucket" {
    defaults = {
      arn = "arn:aws:s3:::sagebridge-1"
      id  = "sagebridge-1"
    }
  }
}

run "private" {
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.models.block_public_acls,
      aws_s3_bucket_public_access_block.models.block_public_policy,
      aws_s3_bucket_public_access_block.models.ignore_public_acls,
      aws_s3_bucket_public_access_block.models.restrict_public_buckets,
    ])
    error_message = "Every kind of public access is blocked."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.models.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "The bucket's owner owns every object; there are no ACLs."
  }

  assert {
    condition     = !aws_s3_bucket.models.force_destroy
    error_message = "Models are not deleted unless asked for."
  }
}

run "versioned" {
  assert {
    condition     = aws_s3_bucket_versioning.models.versioning_configuration[0].status == "Enabled"
    error_message = "The bucket keeps versions."
  }
}

run "encrypted" {
  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.models.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"
    error_message = "The bucket encrypts what it stores."
  }
}

run "tls_only" {
  assert {
    condition = (
      one(data.aws_iam_policy_document.bucket.statement).effect == "Deny" &&
      one(data.aws_iam_policy_document.bucket.statement).actions == toset(["s3:*"]) &&
      one(one(data.aws_iam_policy_document.bucket.statement).principals).identifiers == toset(["*"])
    )
    error_message = "The policy denies every action to everyone ..."
  }

  assert {
    condition = one(one(data.aws_iam_policy_document.bucket.statement).condition) == {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = tolist(["false"])
    }
    error_message = "... who does not use TLS ..."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.bucket.statement).resources == toset(["arn:aws:s3:::sagebridge-1", "arn:aws:s3:::sagebridge-1/*"])
    error_message = "... on the bucket and its objects."
  }

  assert {
    condition     = aws_s3_bucket_policy.models.bucket == "sagebridge-1" && aws_s3_bucket_policy.models.policy == data.aws_iam_policy_document.bucket.json
    error_message = "The policy is the bucket's."
  }
}

run "forced" {
  variables {
    force_destroy = true
  }

  assert {
    condition     = aws_s3_bucket.models.force_destroy
    error_message = "force_destroy reaches the bucket."
  }
}
