# Without `serverless` the three resources are the article's real-time endpoint.

mock_provider "aws" {}

variables {
  execution_role_arn = "arn:aws:iam::123456789012:role/sagebridge"
  model_data         = "s3://sagebridge/models/boston/model.tar.gz"
}

run "model" {
  command = plan

  assert {
    condition     = aws_sagemaker_model.this.execution_role_arn == "arn:aws:iam::123456789012:role/sagebridge"
    error_message = "The model runs with the base's role."
  }

  assert {
    condition = (
      aws_sagemaker_model.this.primary_container[0].image == "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3" &&
      aws_sagemaker_model.this.primary_container[0].mode == "SingleModel" &&
      aws_sagemaker_model.this.primary_container[0].model_data_url == "s3://sagebridge/models/boston/model.tar.gz"
    )
    error_message = "One container serves one archive, in AWS's scikit-learn image."
  }

  assert {
    condition = aws_sagemaker_model.this.primary_container[0].environment == tomap({
      SAGEMAKER_PROGRAM          = "inference.py"
      SAGEMAKER_SUBMIT_DIRECTORY = "s3://sagebridge/models/boston/model.tar.gz"
    })
    error_message = "The container finds the handler in the archive."
  }
}

run "configuration" {
  command = plan

  assert {
    condition = (
      aws_sagemaker_endpoint_configuration.this.production_variants[0].variant_name == "AllTraffic" &&
      aws_sagemaker_endpoint_configuration.this.production_variants[0].instance_type == "ml.m5.xlarge" &&
      aws_sagemaker_endpoint_configuration.this.production_variants[0].initial_instance_count == 1
    )
    error_message = "One ml.m5.xlarge takes all traffic."
  }

  assert {
    condition     = length(aws_sagemaker_endpoint_configuration.this.production_variants[0].serverless_config) == 0
    error_message = "A real-time variant has no serverless settings."
  }
}

run "other_instances" {
  command = plan

  variables {
    instance_type  = "ml.m5.large"
    instance_count = 2
  }

  assert {
    condition = (
      aws_sagemaker_endpoint_configuration.this.production_variants[0].instance_type == "ml.m5.large" &&
      aws_sagemaker_endpoint_configuration.this.production_variants[0].initial_instance_count == 2
    )
    error_message = "Type and count of instances are the ones that were asked for."
  }
}

run "chained" {
  assert {
    condition     = aws_sagemaker_endpoint_configuration.this.production_variants[0].model_name == aws_sagemaker_model.this.name
    error_message = "The configuration serves the model."
  }

  assert {
    condition     = aws_sagemaker_endpoint.this.endpoint_config_name == aws_sagemaker_endpoint_configuration.this.name
    error_message = "The endpoint runs the configuration."
  }

  assert {
    condition = (
      output.endpoint_arn == aws_sagemaker_endpoint.this.arn &&
      output.endpoint_config_name == aws_sagemaker_endpoint_configuration.this.name &&
      output.endpoint_name == "sagemaker-endpoint-sklearn" &&
      output.model_name == aws_sagemaker_model.this.name
    )
    error_message = "The outputs name what runs."
  }
}
