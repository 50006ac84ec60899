"""What is blanked out, and what is not."""

from __future__ import annotations

import nbformat
import pytest

from kpi_lib.review.notebook_file import as_record
from kpi_lib.review.secrets import hide, may_hold, values_to_hide

ENVIRONMENT = {
    "WAREHOUSE_PASSWORD": "hunter2 & more",
    "API_TOKEN": "output_type",
    "SHORT_SECRET": "abc",
    "SOURCE": "postgres://me:open%2Fsesame@db/x",
    "HOME": "/home/somebody",
}


def test_secrets_are_known_by_name_or_by_their_place_in_a_url() -> None:
    assert set(values_to_hide(ENVIRONMENT)) == {
        "hunter2 & more",
        "hunter2%20%26%20more",
        "hunter2 &amp; more",
        "output_type",
        "open%2Fsesame",
        "open%252Fsesame",
    }


def test_what_leads_to_the_data_is_hidden_whatever_it_is_called_and_however_short() -> None:
    environment = {"PORTAL": "a&b", "DB_USER": "jo", "SHORT_SECRET": "abc", "HOME": "/home/x"}
    hidden = values_to_hide(environment, named=("PORTAL", "DB_USER", "NOT_SET"))
    assert set(hidden) == {"a&b", "a%26b", "a&amp;b"}
    assert hide("reach a&b or a%26b", hidden) == "reach *** or ***"


def test_texts_are_blanked_wherever_they_stand_and_the_form_is_kept() -> None:
    cell = {
        "cell_type": "code",
        "outputs": [{"output_type": "stream", "text": "it is output_type"}],
        "source": ["x = 'hunter2 & more'"],
    }
    assert hide(cell, values_to_hide(ENVIRONMENT)) == {
        "cell_type": "code",
        "outputs": [{"output_type": "stream", "text": "it is ***"}],
        "source": ["x = '***'"],
    }


def test_nothing_to_hide_changes_nothing() -> None:
    assert hide({"a": [1, None, "x"]}, []) == {"a": [1, None, "x"]}


@pytest.mark.parametrize(
    "secret", ["hunter2-é", 'quo"te\\back', "tab\tand\x01bell", "two\nlines of key"]
)
def test_a_record_that_holds_a_secret_is_seen_to(secret: str) -> None:
    for printed in (secret, repr(secret)):
        code = nbformat.v4.new_code_cell("1")  # type: ignore[no-untyped-call]
        code.outputs = [nbformat.v4.new_output("stream", text=f"it is {printed}, so")]  # type: ignore[no-untyped-call]
        notebook = nbformat.v4.new_notebook(cells=[code])  # type: ignore[no-untyped-call]
        assert may_hold(as_record(notebook), [secret])
        assert not may_hold(as_record(hide(notebook, [secret])), [secret])
