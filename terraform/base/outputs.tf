output "bucket_arn" {
  description = "ARN of the bucket for models."
  value       = aws_s3_bucket.models.arn
}

output "bucket_name" {
  description = "Name of the bucket for models."
  value       = aws_s3_bucket.models.id
}

output "execution_role_arn" {
  description = "ARN of the role that SageMaker assumes to run endpoints."
  value       = aws_iam_role.execution.arn

  # Whoever reads this can use the role at once.
  depends_on = [aws_iam_role_policy.execution]
}

output "model_prefix" {
  description = "Key prefix in the bucket under which models live, without slashes at its ends."
  value       = var.model_prefix
}
