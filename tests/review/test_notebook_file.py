"""Notebooks as files."""

from __future__ import annotations

import json

import nbformat

from kpi_lib.review.notebook_file import as_record, as_text


def test_a_record_holds_what_the_indented_text_holds_one_cell_a_line() -> None:
    code = nbformat.v4.new_code_cell("a = 1\nprint(a)")  # type: ignore[no-untyped-call]
    shown = {"text/plain": "one\ntwo — three", "application/json": {"rows": [1, "a\nb"]}}
    code.outputs = [nbformat.v4.new_output("display_data", shown)]  # type: ignore[no-untyped-call]
    prose = nbformat.v4.new_markdown_cell("# Title\n\ntext")  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=[prose, code])  # type: ignore[no-untyped-call]
    before = as_text(notebook)
    record = as_record(notebook)
    assert json.loads(record) == json.loads(before)
    assert as_text(notebook) == before
    assert [line[0] for line in record.splitlines()[1:3]] == ["{", "{"]
    empty = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    assert json.loads(as_record(empty))["cells"] == []
