"""Finds AWS's images, and checks archives against them."""
