"""Brings a trained model to an endpoint: packages, checks, publishes and invokes it."""
