"""How AWS's containers serve a model: where they look for its handler, what they install, and how they answer."""
