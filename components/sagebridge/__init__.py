"""Pulumi components for SageMaker endpoints on a Terraform base."""
