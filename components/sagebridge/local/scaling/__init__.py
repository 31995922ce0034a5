"""Application Auto Scaling for the variants of SageMaker endpoints: targets, policies, scheduled actions."""
