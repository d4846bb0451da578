"""A class on opaque terms, for models that cannot be built and run."""
