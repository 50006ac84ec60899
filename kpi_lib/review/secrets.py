"""Secrets of the environment never reach a file the review writes, whatever a cell prints."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from urllib.parse import quote

HIDDEN = "***"
_SHORTEST = 6  # shorter values would blank out ordinary words
_NAME = re.compile(r"pass|pwd|token|secret|key|credential", re.IGNORECASE)
_URL = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")


def values_to_hide(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Values of variables named like secrets, and passwords inside URLs; longest first."""
    found = set()
    for name, value in environment.items():
        passwords = _URL.findall(value)
        found |= {value, *passwords} if _NAME.search(name) else set(passwords)
    found |= {quote(value, safe="") for value in found}
    return sorted((v for v in found if len(v) >= _SHORTEST), key=len, reverse=True)


def hide(text: str, values: list[str]) -> str:
    """The text, which may be JSON, with each value blanked out."""
    for value in values:
        text = text.replace(value, HIDDEN).replace(json.dumps(value)[1:-1], HIDDEN)
    return text
