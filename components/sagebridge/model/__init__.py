"""The model's way to an endpoint: train, package, publish, check, invoke."""
