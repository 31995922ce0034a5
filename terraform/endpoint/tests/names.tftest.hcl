# Only the endpoint has a name of its own; the two that get replaced have unique ones. Tags are on all three.

mock_provider "aws" {}

variables {
  execution_role_arn = "arn:aws:iam::123456789012:role/sagebridge"
  model_data         = "s3://sagebridge/models/boston/model.tar.gz"
}

run "names" {
  command = plan

  variables {
    endpoint_name = "boston"
  }

  assert {
    condition     = aws_sagemaker_endpoint.this.name == "boston"
    error_message = "The endpoint has the name that was asked for."
  }

  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.name_prefix == "boston-"
    error_message = "The configuration's name starts with the endpoint's; the rest is unique."
  }
}

run "longest_name" {
  command = plan

  variables {
    endpoint_name = "a23456789012345678901234567890123456789012345678901234567890123"
  }

  # SageMaker's limit of 63 less the 26 characters that the provider adds.
  assert {
    condition     = length(aws_sagemaker_endpoint_configuration.this.name_prefix) <= 37
    error_message = "The configuration's name fits, however long the endpoint's is."
  }
}

run "tags" {
  command = plan

  variables {
    tags = { Team = "7" }
  }

  assert {
    condition = alltrue([
      for tags in [
        aws_sagemaker_model.this.tags,
        aws_sagemaker_endpoint_configuration.this.tags,
        aws_sagemaker_endpoint.this.tags,
      ] : tags == tomap({ Team = "7" })
    ])
    error_message = "The tags are on the model, the configuration and the endpoint."
  }
}
