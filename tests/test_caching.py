"""Kept files appear whole or not at all, and make room for each other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kpi_lib.caching import keep, make_room


def test_a_file_is_kept_whole_and_written_over(tmp_path: Path) -> None:
    for content in (b"first", b"second"):
        keep(tmp_path / "found", content)
        assert [file.read_bytes() for file in tmp_path.iterdir()] == [content]


def test_what_cannot_be_written_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    keep(tmp_path / "found", b"old")
    monkeypatch.setattr(Path, "replace", full)
    keep(tmp_path / "found", b"new")
    keep(tmp_path / "nowhere" / "found", b"new")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_the_older_half_and_other_versions_go(tmp_path: Path) -> None:
    now, before = tmp_path / "sql-2", tmp_path / "sql-1"
    for folder in (now, before):
        folder.mkdir()
    for age in range(4):
        file = now / str(age)
        file.touch()
        os.utime(file, (1000 - age, 1000 - age))
    make_room(now, tmp_path.glob("sql-*"), 4)
    assert sorted(file.name for file in now.iterdir()) == ["0", "1", "2", "3"]
    assert not before.exists()
    make_room(now, [], 3)
    assert sorted(file.name for file in now.iterdir()) == ["0", "1"]
