"""The server for the tests of this folder."""

from tests.backends.stores import postgres_url

__all__ = ["postgres_url"]
