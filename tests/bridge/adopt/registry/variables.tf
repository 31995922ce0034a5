variable "name" {
  type = string
}

variable "model_data" {
  type = string
}

variable "image" {
  type    = string
  default = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
}

variable "execution_role_arn" {
  description = "Makes a role if it is null."
  type        = string
  default     = null
}

variable "autoscaling" {
  type    = object({ min = number, max = number, target = number })
  default = null
}

variable "tags" {
  type    = map(string)
  default = {}
}
