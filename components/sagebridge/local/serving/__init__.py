"""Endpoints at work: archives, containers, fleets, deployments, and what becomes of an invocation."""
