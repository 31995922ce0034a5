variable "endpoints" {
  type        = number
  description = "How many endpoints are made."
}

variable "image" {
  type        = string
  description = "Image of the serving container."
}

variable "model_data" {
  type        = string
  description = "S3 URL of the model's archive."
}

variable "role" {
  type        = string
  description = "ARN of the role that SageMaker assumes."
}
