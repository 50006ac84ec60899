"""Servers for the tests of this folder."""

from tests.backends.stores import postgres_url, spark

__all__ = ["postgres_url", "spark"]
