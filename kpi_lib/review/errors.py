"""Bad input: what the command line prints, one line per problem, before it exits with code 2."""

from __future__ import annotations


class InputError(Exception):
    """The request cannot be carried out as given. `lines` says why, one problem a line."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
