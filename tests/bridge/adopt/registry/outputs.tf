output "role_arn" {
  value = local.role_arn
}

output "endpoint_name" {
  value = aws_sagemaker_endpoint.this.name
}
