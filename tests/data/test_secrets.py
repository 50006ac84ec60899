"""A planted secret never shows: not in messages, not in what is printed, not in the traceback."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from kpi_lib.data import DataError, open_dataset
from kpi_lib.data.errors import Secrets
from tests.data.companies import YAML, write_company

SECRET = "hunter2/with@odd:characters"
PLACES = {
    "password": "postgres://reader:${KPI_PLANTED}@127.0.0.1:1/none",
    "whole url": "${KPI_PLANTED_URL}",
    "option": "postgres://reader@127.0.0.1:1/none?sslpassword=${KPI_PLANTED}&connect_timeout=2",
    "named as a secret": "postgres://127.0.0.1:1/${KPI_SECRET_TOKEN}",
    "in a place of an unknown kind": "gopher://reader:${KPI_PLANTED}@127.0.0.1/none",
}


@pytest.mark.parametrize("case", list(PLACES), ids=list(PLACES))
def test_no_message_shows_it(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("KPI_PLANTED", SECRET)
    monkeypatch.setenv("KPI_SECRET_TOKEN", SECRET)
    quoted = SECRET.replace("/", "%2F").replace("@", "%40").replace(":", "%3A")
    monkeypatch.setenv("KPI_PLANTED_URL", f"postgres://reader:{quoted}@127.0.0.1:1/none")
    folder = write_company(tmp_path, YAML.replace("source: .", f"source: {PLACES[case]}"))
    with pytest.raises(DataError) as refused:
        open_dataset(folder)
    shown = "".join(traceback.format_exception(refused.value, chain=True)) + caplog.text
    shown += repr(refused.value) + str(refused.value.args) + str(refused.value.__context__)
    assert SECRET not in shown
    assert quoted not in shown
    assert "hunter2" not in shown
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "source",
    [
        "postgres://reader:hunter2@host/db",
        "postgres://reader:hun${USER}ter2@host/db",
        "snowflake://reader@host/db?password=hunter2",
        "postgres://host/db?api_token=hunter2",
    ],
)
def test_a_literal_secret_is_refused_and_not_repeated(source: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        open_dataset(write_company(tmp_path, YAML.replace("source: .", f"source: {source}")))
    (line,) = str(refused.value).splitlines()
    assert "holds a literal" in line
    assert "write it as ${NAME}" in line
    assert "hunter2" not in line


def test_a_folder_named_by_the_environment_is_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_company(tmp_path / "data")
    monkeypatch.setenv("KPI_DATA_HERE", str(tmp_path))
    yaml = tmp_path / "dataset.yaml"
    yaml.write_text(YAML.replace("source: .", "source: ${KPI_DATA_HERE}/data"), encoding="utf-8")
    dataset = open_dataset(yaml)
    assert len(dataset.as_of()) == 11


def test_the_longest_secret_is_hidden_first() -> None:
    secrets = Secrets()
    secrets.add(["abc", "abcdef", ""])
    assert secrets.scrub("x abcdef y abc") == "x *** y ***"
    assert "abc" not in repr(secrets)
