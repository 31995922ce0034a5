"""The endpoint: its arguments, the rules for them, what they declare, and the resources that follow from that."""
