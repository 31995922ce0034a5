# What does not fit SageMaker's rules is refused at the plan; what just fits is not.

mock_provider "aws" {}

variables {
  execution_role_arn = "arn:aws:iam::123456789012:role/sagebridge"
  model_data         = "s3://sagebridge/models/boston/model.tar.gz"
}

run "role_with_a_path" {
  command = plan

  variables {
    execution_role_arn = "arn:aws-cn:iam::123456789012:role/team/sagebridge"
  }
}

run "role_that_is_a_user" {
  command = plan

  variables {
    execution_role_arn = "arn:aws:iam::123456789012:user/sagebridge"
  }

  expect_failures = [var.execution_role_arn]
}

run "image_of_the_article" {
  command = plan

  variables {
    container_image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:0.23-1-cpu-py3"
  }
}

run "image_without_registry" {
  command = plan

  variables {
    container_image = "sagemaker-scikit-learn"
  }

  expect_failures = [var.container_image]
}

run "archive_by_https" {
  command = plan

  variables {
    model_data = "https://sagebridge.s3.amazonaws.com/model.tar.gz"
  }

  expect_failures = [var.model_data]
}

run "archive_that_is_a_folder" {
  command = plan

  variables {
    model_data = "s3://sagebridge/models/"
  }

  expect_failures = [var.model_data]
}

run "instance_type_of_ec2" {
  command = plan

  variables {
    instance_type = "m5.xlarge"
  }

  expect_failures = [var.instance_type]
}

run "no_instance" {
  command = plan

  variables {
    instance_count = 0
  }

  expect_failures = [var.instance_count]
}

run "half_an_instance" {
  command = plan

  variables {
    instance_count = 1.5
  }

  expect_failures = [var.instance_count]
}

run "name_of_63" {
  command = plan

  variables {
    endpoint_name = "a23456789012345678901234567890123456789012345678901234567890123"
  }
}

run "name_of_64" {
  command = plan

  variables {
    endpoint_name = "a234567890123456789012345678901234567890123456789012345678901234"
  }

  expect_failures = [var.endpoint_name]
}

run "name_with_an_underscore" {
  command = plan

  variables {
    endpoint_name = "boston_housing"
  }

  expect_failures = [var.endpoint_name]
}

run "region_that_is_a_zone" {
  command = plan

  variables {
    region = "us-east-1a"
  }

  expect_failures = [var.region]
}

run "least_memory" {
  command = plan

  variables {
    serverless = { memory_size_in_mb = 1024 }
  }
}

run "most_memory" {
  command = plan

  variables {
    serverless = { memory_size_in_mb = 6144 }
  }
}

run "memory_between_steps" {
  command = plan

  variables {
    serverless = { memory_size_in_mb = 1536 }
  }

  expect_failures = [var.serverless]
}

run "too_much_memory" {
  command = plan

  variables {
    serverless = { memory_size_in_mb = 7168 }
  }

  expect_failures = [var.serverless]
}

run "least_concurrency" {
  command = plan

  variables {
    serverless = { max_concurrency = 1 }
  }
}

run "most_concurrency" {
  command = plan

  variables {
    serverless = { max_concurrency = 200 }
  }
}

run "no_concurrency" {
  command = plan

  variables {
    serverless = { max_concurrency = 0 }
  }

  expect_failures = [var.serverless]
}

run "too_much_concurrency" {
  command = plan

  variables {
    serverless = { max_concurrency = 201 }
  }

  expect_failures = [var.serverless]
}

run "tag_that_aws_reserves" {
  command = plan

  variables {
    tags = { "aws:team" = "7" }
  }

  expect_failures = [var.tags]
}
