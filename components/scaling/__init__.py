"""Autoscaling of variants."""
