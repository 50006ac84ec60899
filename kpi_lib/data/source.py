"""Where a data set lives: a folder or a URL, with secrets filled in from the environment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from kpi_lib.data.config import VARIABLE, Config, is_password
from kpi_lib.data.errors import DataError, Secrets

_SECRET_NAME = re.compile(r"pass|pwd|token|secret|key|credential", re.IGNORECASE)
_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]*)://")


@dataclass(frozen=True, repr=False)
class Place:
    """A source with every variable filled in. It may hold a secret, so it has no readable form."""

    scheme: str
    url: str = ""
    path: Path | None = None

    def __repr__(self) -> str:
        return f"Place({self.scheme})"


def find_place(config: Config, secrets: Secrets) -> Place:
    """The place a data set's source stands for; its secrets are added to `secrets`.

    Raises DataError for a literal secret, an unset variable, an unknown kind of source, or a
    folder or file that is not there.
    """
    where = f"{config.path.parent.name}/{config.path.name}: source"
    _refuse_literal_secret(config.source, where)
    filled = _fill(config.source, secrets, where)
    match = _URL.match(filled)
    if match is None:
        return _file_place(config.path.parent / Path(filled).expanduser(), config.source, where)
    scheme = match[1].lower()
    if scheme == "duckdb":
        return _duckdb_place(filled[match.end() :], config.path.parent, config.source, where)
    _hide_parts(filled, secrets)
    return Place(scheme, url=filled)


def _refuse_literal_secret(source: str, where: str) -> None:
    if not _URL.match(source):
        return
    masked = VARIABLE.sub("VARIABLE", source)
    _, _, rest = masked.partition("://")
    user_info, at, _ = rest.partition("?")[0].rpartition("@")
    password = user_info.partition(":")[2] if at else ""
    if password and password != "VARIABLE":
        raise DataError(
            f"{where}: holds a literal password; write it as ${{NAME}} and set it in the environment"
        )
    for pair in rest.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        if _SECRET_NAME.search(name) and value and value != "VARIABLE":
            raise DataError(
                f"{where}: holds a literal {name}; write it as ${{NAME}} and set it in the environment"
            )


def _fill(source: str, secrets: Secrets, where: str) -> str:
    """The source with variables filled in; inside a URL's password and query they are quoted."""
    parts: list[str] = []
    position = 0
    whole = VARIABLE.fullmatch(source) is not None or not _URL.match(source)
    for match in VARIABLE.finditer(source):
        name = match[1]
        value = os.environ.get(name)
        if value is None:
            raise DataError(
                f"{where}: the environment has no variable {name}; set it before opening the data set"
            )
        before = source[: match.start()]
        secret = not whole and (
            is_password(before, source[match.end() :]) or bool(_SECRET_NAME.search(name))
        )
        if secret:
            secrets.add({value, quote(value, safe="")})
        parts += [
            source[position : match.start()],
            value if whole else quote(value, safe="" if secret else "/:,.-_"),
        ]
        position = match.end()
    return "".join([*parts, source[position:]])


def _hide_parts(url: str, secrets: Secrets) -> None:
    """Remember the password and the secret options of a filled URL."""
    parts = urlsplit(url)
    if parts.password:
        secrets.add({url, parts.password, unquote(parts.password)})
    for pair in parts.query.split("&"):
        name, _, value = pair.partition("=")
        if _SECRET_NAME.search(name):
            secrets.add({url, value, unquote(value)})


def _file_place(path: Path, written: str, where: str) -> Place:
    if path.is_dir():
        return Place("folder", path=path.resolve())
    if path.is_file() and path.suffix in {".duckdb", ".db", ".ddb"}:
        return Place("duckdb", path=path.resolve())
    raise DataError(f"{where}: {written} is not a folder, a DuckDB file or a URL")


def _duckdb_place(rest: str, folder: Path, written: str, where: str) -> Place:
    """A DuckDB file; three slashes are relative to the data set's folder, or else absolute."""
    name = rest.partition("?")[0]
    for candidate in (folder / name.removeprefix("/"), Path(name)):
        if name.strip("/") and candidate.is_file():
            return Place("duckdb", path=candidate.resolve())
    raise DataError(f"{where}: {written} does not exist")
