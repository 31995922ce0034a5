"""From a Pulumi stack to a Terraform module."""
