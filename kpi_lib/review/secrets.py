"""Secrets of the environment never reach a file the review writes, whatever a cell prints."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

HIDDEN = "***"
_SHORTEST = 6  # shorter values would blank out ordinary words
_SHORTEST_NAMED = 3  # where a data set says that the value leads to its data, it is no guess
_NAME = re.compile(r"pass|pwd|token|secret|key|credential", re.IGNORECASE)
_FORM = {"cell_type", "output_type", "kernelspec", "language_info"}
_URL = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")


def values_to_hide(
    environment: Mapping[str, str] = os.environ, named: Collection[str] = ()
) -> list[str]:
    """Values of variables named like secrets, and passwords inside URLs; longest first.

    `named` are variables that a data set says are its password: their values are hidden whatever
    they are called, from three characters on.
    """
    found = _by_name_or_place(environment)
    told = {environment.get(name, "") for name in named}
    chosen = {value for value in found if len(value) >= _SHORTEST}
    chosen |= {value for value in told if len(value) >= _SHORTEST_NAMED}
    written = {quote(value, safe="") for value in chosen} | {escape(value) for value in chosen}
    return sorted(chosen | written, key=len, reverse=True)


def _by_name_or_place(environment: Mapping[str, str]) -> set[str]:
    """Values of variables named like secrets, and what stands as a password in the URL of any."""
    found: set[str] = set()
    for name, value in environment.items():
        passwords = _URL.findall(value)
        found |= {value, *passwords} if _NAME.search(name) else set(passwords)
    return found


def may_hold(text: str, values: list[str]) -> bool:
    """Whether a text of JSON may hold a secret, or what Python prints of one.

    Told from the longest line of each, since a notebook's file keeps every line as a text of its own.
    """
    forms = [form for secret in values for form in (secret, repr(secret)[1:-1])]
    lines = {max(form.splitlines(), key=len, default="") for form in forms}
    return any(json.dumps(line, ensure_ascii=False)[1:-1] in text for line in lines)


def hide(value: Any, values: list[str]) -> Any:
    """The value with each secret in it blanked out: a text, or lists and dicts of texts.

    What makes a notebook a notebook (its keys, kinds of cells and outputs) is left alone.
    """
    if isinstance(value, str):
        for secret in values:
            value = value.replace(secret, HIDDEN).replace(repr(secret)[1:-1], HIDDEN)
        return value
    if isinstance(value, list):
        return [hide(one, values) for one in value]
    if isinstance(value, dict):
        kept = {name: one if name in _FORM else hide(one, values) for name, one in value.items()}
        return type(value)(kept)
    return value
