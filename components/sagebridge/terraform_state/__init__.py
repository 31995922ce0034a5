"""Reads what a Terraform state offers: its text, its values through pulumi-terraform, and the two put together."""
