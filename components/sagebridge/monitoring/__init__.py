"""What an endpoint publishes, and what watches it."""
