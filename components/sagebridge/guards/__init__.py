"""What is checked around the AWS provider's work, so that a rollout can be trusted."""
