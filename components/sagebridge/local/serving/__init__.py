"""Endpoints at work: archives, containers, fleets, the life of an endpoint, and what becomes of an invocation."""
