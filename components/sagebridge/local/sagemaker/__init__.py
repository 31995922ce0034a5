"""SageMaker's API on this machine."""
