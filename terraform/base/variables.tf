variable "force_destroy" {
  type        = bool
  description = "Whether destroying the bucket also deletes the models in it. Leave it off where models matter."
  default     = false
  nullable    = false
}

variable "image_repositories" {
  type        = list(string)
  description = "Names of the ECR repositories in var.region that endpoints may pull from; `*` matches any characters. The default is AWS's own scikit-learn image."
  default     = ["sagemaker-scikit-learn"]
  nullable    = false

  # ECR's rule for a repository name, and the wildcard of an IAM policy.
  validation {
    condition     = length(var.image_repositories) > 0 && alltrue([for name in var.image_repositories : can(regex("^[a-z0-9*][a-z0-9._/*-]*$", name))])
    error_message = "image_repositories takes one or more repository names such as \"sagemaker-scikit-learn\": lower-case letters, digits and . _ - / *, without registry or tag."
  }
}

variable "model_prefix" {
  type        = string
  description = "Key prefix in the bucket under which models live; endpoints can read nothing outside it."
  default     = "models"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", var.model_prefix))
    error_message = "model_prefix takes letters, digits and . _ -, in parts separated by single slashes, with no slash at either end, such as \"models\"."
  }
}

variable "name" {
  type        = string
  description = "First part of the bucket's and the role's names; AWS's provider adds a unique rest."
  default     = "sagebridge"
  nullable    = false

  # S3's rules for a bucket name, and room for a hyphen and the 26 characters that the provider adds to reach 63.
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,34}[a-z0-9]$", var.name))
    error_message = "name takes 2 to 36 lower-case letters, digits and hyphens, with a letter or digit at both ends."
  }

  validation {
    condition     = !can(regex("^(xn--|sthree-|amzn-s3-demo-)", var.name))
    error_message = "name must not start with xn--, sthree- or amzn-s3-demo-: S3 reserves these."
  }
}

variable "region" {
  type        = string
  description = "AWS region of the bucket, and of the endpoints that the role serves."
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "region takes the code of an AWS region, such as \"us-east-1\"."
  }
}

variable "tags" {
  type        = map(string)
  description = "Tags for the bucket and the role."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : !startswith(lower(key), "aws:")])
    error_message = "tags must not have keys that start with \"aws:\": AWS keeps these for itself."
  }
}
