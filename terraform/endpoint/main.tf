# A model and a configuration cannot be changed, only replaced, and the endpoint must never be without them: create the
# new one, update the endpoint, delete the old one. Two cannot have one name, so neither has a fixed name.

resource "aws_sagemaker_model" "this" {
  execution_role_arn = var.execution_role_arn
  tags               = var.tags

  primary_container {
    image          = var.container_image
    mode           = "SingleModel"
    model_data_url = var.model_data

    environment = {
      SAGEMAKER_PROGRAM          = "inference.py"
      SAGEMAKER_SUBMIT_DIRECTORY = var.model_data
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_sagemaker_endpoint_configuration" "this" {
  # 63 characters less the hyphen and the 26 that the provider adds.
  name_prefix = "${substr(var.endpoint_name, 0, 36)}-"
  tags        = var.tags

  production_variants {
    variant_name           = "AllTraffic"
    model_name             = aws_sagemaker_model.this.name
    instance_type          = var.serverless == null ? var.instance_type : null
    initial_instance_count = var.serverless == null ? var.instance_count : null

    dynamic "serverless_config" {
      for_each = var.serverless[*]

      content {
        memory_size_in_mb = serverless_config.value.memory_size_in_mb
        max_concurrency   = serverless_config.value.max_concurrency
      }
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_sagemaker_endpoint" "this" {
  name                 = var.endpoint_name
  endpoint_config_name = aws_sagemaker_endpoint_configuration.this.name
  tags                 = var.tags
}
