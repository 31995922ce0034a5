variable "container_image" {
  type        = string
  description = "Image of the serving container, as <registry>/<repository>:<tag>. Its scikit-learn must be the minor version that the model was trained with."
  default     = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
  nullable    = false

  validation {
    condition     = can(regex("^[^\\s/]+/[^\\s]+$", var.container_image))
    error_message = "container_image takes <registry>/<repository>:<tag>, such as \"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3\"."
  }
}

variable "endpoint_name" {
  type        = string
  description = "Name of the endpoint, the one that callers use."
  default     = "sagemaker-endpoint-sklearn"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9](-*[A-Za-z0-9]){0,62}$", var.endpoint_name)) && length(var.endpoint_name) <= 63
    error_message = "endpoint_name takes 1 to 63 letters, digits and hyphens, with a letter or digit at both ends."
  }
}

variable "execution_role_arn" {
  type        = string
  description = "ARN of the role that SageMaker assumes; the base's output of this name."
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^\\s]+$", var.execution_role_arn))
    error_message = "execution_role_arn takes the ARN of a role, such as \"arn:aws:iam::123456789012:role/sagebridge\"."
  }
}

variable "instance_count" {
  type        = number
  description = "Number of instances behind a real-time endpoint."
  default     = 1
  nullable    = false

  validation {
    condition     = var.instance_count >= 1 && floor(var.instance_count) == var.instance_count
    error_message = "instance_count takes a whole number, at least 1."
  }
}

variable "instance_type" {
  type        = string
  description = "Instance type behind a real-time endpoint."
  default     = "ml.m5.xlarge"
  nullable    = false

  validation {
    condition     = can(regex("^ml\\.[a-z0-9-]+\\.[a-z0-9-]+$", var.instance_type))
    error_message = "instance_type takes a SageMaker instance type, such as \"ml.m5.xlarge\"."
  }
}

variable "model_data" {
  type        = string
  description = "S3 URL of the model's archive, under the base's model prefix."
  nullable    = false

  validation {
    condition     = can(regex("^s3://[a-z0-9][a-z0-9.-]+[a-z0-9]/[^\\s]+\\.tar\\.gz$", var.model_data))
    error_message = "model_data takes the S3 URL of a .tar.gz archive, such as \"s3://bucket/models/boston/model.tar.gz\"."
  }
}

variable "region" {
  type        = string
  description = "AWS region of the endpoint; the base's."
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "region takes the code of an AWS region, such as \"us-east-1\"."
  }
}

variable "serverless" {
  type = object({
    memory_size_in_mb = optional(number, 4096)
    max_concurrency   = optional(number, 2)
  })
  description = "Makes the endpoint serverless, with this memory (MB) and this many requests at a time; `{}` takes the defaults. Null makes it real-time, on instances."
  default     = null

  validation {
    condition     = alltrue([for config in var.serverless[*] : contains([1024, 2048, 3072, 4096, 5120, 6144], config.memory_size_in_mb)])
    error_message = "serverless.memory_size_in_mb takes 1024, 2048, 3072, 4096, 5120 or 6144."
  }

  validation {
    condition     = alltrue([for config in var.serverless[*] : contains(range(1, 201), config.max_concurrency)])
    error_message = "serverless.max_concurrency takes a whole number from 1 to 200."
  }
}

variable "tags" {
  type        = map(string)
  description = "Tags for the model, the endpoint configuration and the endpoint."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(lower(key), "aws:")])
    error_message = "tags must not have keys that start with \"aws:\": AWS keeps these for itself."
  }
}
