"""The metrics that an endpoint publishes, its alarms and its dashboard."""
