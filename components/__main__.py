"""Serves the component to Pulumi's other languages: the engine starts this file."""

from sagebridge.plugin.provider import serve

if __name__ == "__main__":
    serve()
