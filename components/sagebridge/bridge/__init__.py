"""Between Pulumi's state and Terraform: export, outputs, adopt, verify."""
