# As many endpoints as are asked for, each the three resources that a SageMakerEndpoint makes.

resource "aws_sagemaker_model" "this" {
  count = var.endpoints

  execution_role_arn = var.role

  primary_container {
    image          = var.image
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
  count = var.endpoints

  name_prefix = "terraform-"

  production_variants {
    variant_name           = "AllTraffic"
    model_name             = aws_sagemaker_model.this[count.index].name
    instance_type          = "ml.m5.xlarge"
    initial_instance_count = 1
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_sagemaker_endpoint" "this" {
  count = var.endpoints

  name                 = "terraform-${count.index}"
  endpoint_config_name = aws_sagemaker_endpoint_configuration.this[count.index].name
}
