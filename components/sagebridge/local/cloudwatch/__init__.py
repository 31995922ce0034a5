"""CloudWatch: metrics and alarms that follow them, in place of moto's, whose alarms nobody evaluates; and logs."""
