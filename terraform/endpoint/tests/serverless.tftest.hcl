# With `serverless` there are no instances, only memory and concurrency.

mock_provider "aws" {}

variables {
  execution_role_arn = "arn:aws:iam::123456789012:role/sagebridge"
  model_data         = "s3://sagebridge/models/boston/model.tar.gz"
}

run "defaults" {
  command = plan

  variables {
    serverless = {}
  }

  assert {
    condition = (
      aws_sagemaker_endpoint_configuration.this.production_variants[0].serverless_config[0].memory_size_in_mb == 4096 &&
      aws_sagemaker_endpoint_configuration.this.production_variants[0].serverless_config[0].max_concurrency == 2
    )
    error_message = "The defaults are the article's: 4096 MB, 2 requests at a time."
  }

  assert {
    condition = (
      aws_sagemaker_endpoint_configuration.this.production_variants[0].instance_type == null &&
      aws_sagemaker_endpoint_configuration.this.production_variants[0].initial_instance_count == null
    )
    error_message = "A serverless variant has no instances."
  }
}

run "chosen" {
  command = plan

  variables {
    serverless = {
      memory_size_in_mb = 2048
      max_concurrency   = 20
    }
  }

  assert {
    condition = (
      aws_sagemaker_endpoint_configuration.this.production_variants[0].serverless_config[0].memory_size_in_mb == 2048 &&
      aws_sagemaker_endpoint_configuration.this.production_variants[0].serverless_config[0].max_concurrency == 20
    )
    error_message = "Memory and concurrency are the ones that were asked for."
  }
}
