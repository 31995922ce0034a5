# What does not fit AWS's rules is refused at the plan; what just fits is not.

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
}

run "name_of_36" {
  command = plan

  variables {
    name = "a23456789012345678901234567890123456"
  }
}

run "name_of_37" {
  command = plan

  variables {
    name = "a234567890123456789012345678901234567"
  }

  expect_failures = [var.name]
}

run "name_with_capitals" {
  command = plan

  variables {
    name = "Team"
  }

  expect_failures = [var.name]
}

run "name_with_a_hyphen_last" {
  command = plan

  variables {
    name = "team-"
  }

  expect_failures = [var.name]
}

run "name_that_s3_reserves" {
  command = plan

  variables {
    name = "xn--team"
  }

  expect_failures = [var.name]
}

run "prefix_in_parts" {
  command = plan

  variables {
    model_prefix = "team/models.v1"
  }
}

run "prefix_with_a_slash_last" {
  command = plan

  variables {
    model_prefix = "models/"
  }

  expect_failures = [var.model_prefix]
}

run "prefix_that_is_empty" {
  command = plan

  variables {
    model_prefix = ""
  }

  expect_failures = [var.model_prefix]
}

run "prefix_with_a_wildcard" {
  command = plan

  variables {
    model_prefix = "models*"
  }

  expect_failures = [var.model_prefix]
}

run "region_of_the_government" {
  command = plan

  variables {
    region = "us-gov-west-1"
  }
}

run "region_that_is_a_zone" {
  command = plan

  variables {
    region = "us-east-1a"
  }

  expect_failures = [var.region]
}

run "repositories_of_a_team" {
  command = plan

  variables {
    image_repositories = ["team/*"]
  }
}

run "no_repository" {
  command = plan

  variables {
    image_repositories = []
  }

  expect_failures = [var.image_repositories]
}

run "repository_with_registry_and_tag" {
  command = plan

  variables {
    image_repositories = ["123456789012.dkr.ecr.us-east-1.amazonaws.com/team:1"]
  }

  expect_failures = [var.image_repositories]
}

run "tag_that_aws_reserves" {
  command = plan

  variables {
    tags = { "aws:team" = "7" }
  }

  expect_failures = [var.tags]
}
