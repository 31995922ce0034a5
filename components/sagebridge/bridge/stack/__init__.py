"""Pulumi's side of the bridge: the command, the state, the provider's mapping."""
