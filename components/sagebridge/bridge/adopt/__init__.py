"""From a Terraform state to a Pulumi program."""
