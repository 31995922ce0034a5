"""Measurements, each as a ratio taken in one run: `make bench`. Nothing is timed inside the test suite."""
