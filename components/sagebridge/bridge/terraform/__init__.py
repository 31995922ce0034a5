"""Terraform's side of the bridge: the command, the state, its language, its plans and imports."""
