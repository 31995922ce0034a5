"""Serves the component to Pulumi's other languages."""
