from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_lib.review.report import write_report
from kpi_lib.review.report.changes import changes, newcomers, previous_review
from kpi_lib.review.report.files import write_whole
from kpi_lib.review.report.records import (
    RESULT_MIME,
    ChangeRecord,
    NotebookRun,
    ResultRecord,
    Review,
    TrendPoint,
    VerdictRecord,
    read_results,
    result_in,
    to_json,
)
from kpi_lib.review.report.scorecard import judge_change, score_row, verdict_of
from kpi_lib.review.report.sparkline import sparkline
from kpi_lib.review.report.summary import attention, problems_of, summary
from kpi_lib.review.report.text import markdown
from kpi_lib.review.report.words import counted, day_text, listing, signed, signed_interval
from tests.review.report_example import (
    build,
    chart,
    code_cell,
    example,
    failed,
    gross_revenue,
    inactive_customers,
    markdown_cell,
    notebook,
    shown,
    time_to_value,
    write_notebook,
)


def with_record(review: Review, record: ResultRecord) -> Review:
    runs = [
        run.model_copy(update={"record": record}) if run.name == record.kpi else run
        for run in review.notebooks
    ]
    return review.model_copy(update={"notebooks": runs})


def earlier_review() -> Review:
    then = inactive_customers(["Aster", "Zoe"], 0.079)
    then = then.model_copy(
        update={"period": "2025Q3", "verdict": VerdictRecord(suggestion="keep testing")}
    )
    return with_record(example("2025Q3", date(2025, 9, 30)), then)


def page(folder: Path, cells: list[dict[str, Any]], run: NotebookRun | None = None) -> str:
    """The page of one notebook in a review of its own."""
    run = run or NotebookRun(name="one", status="ok")
    build(folder, example().model_copy(update={"notebooks": [run]}))
    write_notebook(folder / f"{run.name}.ipynb", cells)
    write_report(folder)
    return (folder / f"{run.name}.html").read_text(encoding="utf-8")


def index(folder: Path, review: Review) -> str:
    return write_report(build(folder, review)).read_text(encoding="utf-8")


class TestRecords:
    def test_results_read_back_as_written(self, tmp_path: Path) -> None:
        build(tmp_path)
        assert read_results(tmp_path) == example()

    def test_what_is_not_a_number_is_unknown(self) -> None:
        record = ResultRecord.model_validate({"kpi": "x", "title": "X", "high": float("inf")})
        assert record.high is None
        assert '"high": null' in record.model_dump_json(indent=1)

    def test_keys_of_a_newer_version_are_passed_over(self) -> None:
        content = json.loads(to_json(example())) | {"later": 1}
        assert Review.model_validate(content) == example()

    def test_other_schema_is_refused_by_name(self, tmp_path: Path) -> None:
        content = json.loads(to_json(example())) | {"schema": 2}
        (tmp_path / "results.json").write_text(json.dumps(content))
        with pytest.raises(ValueError, match=r"results\.json: schema: "):
            read_results(tmp_path)

    def test_missing_results_are_an_error_of_their_own(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            write_report(tmp_path)

    def test_record_is_found_in_a_notebook(self, tmp_path: Path) -> None:
        write_notebook(tmp_path / "a.ipynb", notebook(time_to_value(), "A"))
        write_notebook(tmp_path / "b.ipynb", notebook(None, "B"))
        assert result_in(tmp_path / "a.ipynb") == {"kpi": "x"}
        assert result_in(tmp_path / "b.ipynb") is None


class TestWords:
    @pytest.mark.parametrize(
        ("value", "unit", "text"),
        [
            (-0.021, "share", "−2.1 pp"),
            (9.0, "days", "+9 days"),
            (0.0, "days", "no change"),
            (None, "days", "–"),
        ],
    )
    def test_change(self, value: float | None, unit: str, text: str) -> None:
        assert signed(value, unit) == text

    def test_interval_of_a_change(self) -> None:
        assert signed_interval(-0.021, 0.03, "share") == "−2.1 to +3.0 pp"
        assert signed_interval(0.0, 21.0, "days") == "0 to +21 days"
        assert signed_interval(None, 21.0, "days") == ""

    def test_sentences(self) -> None:
        assert listing(["a", "b", "c"]) == "a, b and c"
        assert counted(1, "problem") == "1 problem"
        assert day_text(date(2025, 12, 31)) == "31 December 2025"


class TestJudgement:
    @pytest.mark.parametrize(
        ("better", "low", "high", "kind"),
        [
            ("lower", 0.01, 0.05, "worse"),
            ("higher", 0.01, 0.05, "better"),
            ("lower", -0.05, -0.01, "better"),
            ("higher", -0.05, -0.01, "worse"),
            ("higher", -0.01, 0.05, "same"),
            ("higher", 0.0, 0.05, "same"),
            ("higher", None, 0.05, "open"),
        ],
    )
    def test_a_change_counts_only_beyond_chance(
        self, better: str, low: float | None, high: float, kind: str
    ) -> None:
        value = 0.03 if low is None or low > -0.02 else -0.03
        change = ChangeRecord(value=value, low=low, high=high)
        record = ResultRecord(kpi="x", title="X", better=better, change=change)
        assert judge_change(record).kind == kind

    def test_the_control_is_never_suggested(self) -> None:
        record = gross_revenue().model_copy(
            update={"verdict": VerdictRecord(suggestion="adopt", because="Passed all.")}
        )
        row = score_row(NotebookRun(name="gross_revenue", status="ok"), record)
        assert verdict_of(record) == row.verdict == "control"
        assert "would read: adopt" in row.because

    def test_untested_is_not_told_as_open(self) -> None:
        row = score_row(NotebookRun(name="x", status="ok"), time_to_value())
        assert [mark.word for mark in row.findings if mark.test == "honest"] == ["not tested"]
        assert [mark.word for mark in row.findings if mark.test == "readable"] == ["failed"]


class TestSparkline:
    def test_gap_breaks_the_line(self) -> None:
        drawn = sparkline(time_to_value().trend, "2025Q3", "label")
        assert drawn.count('class="line"') == 2
        assert drawn.count('class="now"') == 1
        assert drawn.count('class="open"') == 1

    def test_fewer_than_two_values_draw_nothing(self) -> None:
        points = [TrendPoint(label="a", value=1.0), TrendPoint(label="b")]
        assert sparkline(points, "a", "label") == ""

    @given(
        st.lists(
            st.one_of(st.none(), st.floats(-1e9, 1e9, allow_subnormal=False)),
            min_size=2,
            max_size=30,
        )
    )
    def test_everything_stays_inside_the_picture(self, values: list[float | None]) -> None:
        points = [TrendPoint(label=str(i), value=value) for i, value in enumerate(values)]
        drawn = sparkline(points, "0", "label")
        corners = re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", drawn)
        assert all(0 <= float(x) <= 168 and 0 <= float(y) <= 44 for x, y in corners)
        assert bool(drawn) == (sum(value is not None for value in values) >= 2)


class TestChanges:
    def test_without_an_earlier_review_the_period_before_stands_in(self) -> None:
        change = changes(example(), None)[1]
        assert (change.then_period, change.then_value) == ("2025Q3", 0.081)
        assert not change.reported
        assert not change.verdict_changed

    def test_values_verdicts_and_restatements(self) -> None:
        change = changes(example(), earlier_review())[1]
        assert change.value == pytest.approx(0.122 - 0.079)
        assert change.verdict_changed
        assert change.restated == 0.081  # what today's data says of 2025Q3

    def test_newcomers_of_the_list(self) -> None:
        found = newcomers(example(), earlier_review())
        assert found == {"inactive_customers": {"Birch & Sons", "<b>Cedar</b>"}}
        assert newcomers(example(), None) == {}

    def test_the_newest_earlier_quarter_is_taken(self, tmp_path: Path) -> None:
        for period, day in [("2025Q2", date(2025, 6, 30)), ("2025Q3", date(2025, 9, 30))]:
            build(tmp_path / period, example(period, day))
        build(tmp_path / "2026Q1", example("2026Q1", date(2026, 3, 31)))
        build(tmp_path / "2025-12-01", example("2025-12-01", date(2025, 12, 1)))
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "results.json").write_text("{")
        found = previous_review(build(tmp_path / "2025Q4"), example())
        assert found is not None
        assert found.period == "2025Q3"


class TestSummary:
    def test_counts_verdicts_and_names_the_control(self) -> None:
        said = summary(example())
        assert said.startswith(
            "2 candidate KPIs are on trial, judged on what was known by 31 December"
        )
        assert "Adopt: Inactive customers." in said
        assert "Not readable here: Time to value." in said
        assert "Gross revenue is the control" in said
        assert "Adopt: Gross" not in said

    def test_attention_names_failures_worsening_verdicts_and_lists(self) -> None:
        review, before = example(), earlier_review()
        items = attention(review, changes(review, before), newcomers(review, before))
        assert [item.split(" ")[0] for item in items] == [
            "Recurring",
            "Inactive",
            "Inactive",
            "Inactive",
            "1",
        ]
        assert "KeyError: 'monthly_amount'" in items[0]
        assert "keep testing to adopt" in items[2]
        assert "2 of them new" in items[3]

    def test_nothing_to_say_is_said_by_nothing(self) -> None:
        record = time_to_value().model_copy(update={"problems": []})
        run = NotebookRun(name="time_to_value", status="ok", record=record)
        assert attention(example().model_copy(update={"notebooks": [run]}), [], {}) == []

    def test_a_problem_is_told_once(self) -> None:
        assert len(problems_of(example())) == 1

    def test_no_result_at_all(self) -> None:
        empty = example().model_copy(update={"notebooks": []})
        assert summary(empty).startswith("No KPI could be judged")


class TestIndex:
    def test_same_input_same_bytes_and_no_second_writing(self, tmp_path: Path) -> None:
        folder = build(tmp_path)
        first = write_report(folder)
        content, time = first.read_bytes(), first.stat().st_mtime_ns
        assert write_report(folder).read_bytes() == content
        assert first.stat().st_mtime_ns == time
        assert not list(folder.glob(".*"))

    def test_names_from_the_data_never_become_markup(self, tmp_path: Path) -> None:
        text = index(tmp_path, example())
        assert "<b>Cedar</b>" not in text
        assert "&lt;b&gt;Cedar&lt;/b&gt;" in text

    def test_nothing_points_outside(self, tmp_path: Path) -> None:
        write_report(build(tmp_path))
        for file in tmp_path.glob("*.html"):
            assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", file.read_text())

    def test_what_was_not_judged_has_its_reason(self, tmp_path: Path) -> None:
        text = index(tmp_path, example())
        part = text.split('id="not-judged"')[1].split("</section>")[0]
        assert "failed: KeyError" in part
        assert "Basket" in part
        assert "orders: no such table" in part

    def test_what_does_not_fit_stands_apart_from_what_is_not_judged(self, tmp_path: Path) -> None:
        text = index(tmp_path, example())
        unfit = text.split('id="not-fitting"')[1].split("</section>")[0]
        assert "<dt>Repeat orders</dt>" in unfit
        assert "it sells contracts." in unfit
        assert "Basket" not in unfit
        assert "Repeat orders" not in text.split('id="not-judged"')[1].split("</section>")[0]
        assert "1 other does not fit this business; below stands what" in summary(example())
        plain = example().model_copy(update={"not_run": []})
        assert "not-fitting" not in index(tmp_path / "plain", plain)
        assert "fit this business" not in summary(plain)

    def test_evidence_switched_off_is_not_a_verdict(self, tmp_path: Path) -> None:
        record = time_to_value().model_copy(update={"verdict": None, "findings": []})
        text = index(tmp_path, with_record(example(), record))
        assert "Not judged: Time to value." in text
        assert text.count("The evidence was switched off for this run.") == 1

    def test_evidence_switched_off_for_all_is_said_once(self, tmp_path: Path) -> None:
        records = [time_to_value(), inactive_customers(["Aster"])]
        off = [record.model_copy(update={"verdict": None, "findings": []}) for record in records]
        runs = [NotebookRun(name=record.kpi, status="ok", record=record) for record in off]
        text = index(tmp_path, example().model_copy(update={"notebooks": runs}))
        assert text.count("The evidence was switched off for this run.") == 1
        assert "<dt>All KPIs</dt>" in text

    def test_the_suggested_stand_first_and_the_control_last(self, tmp_path: Path) -> None:
        text = index(tmp_path, example())
        assert re.findall(r'id="kpi-(\w+)"', text) == [
            "inactive_customers",
            "time_to_value",
            "gross_revenue",
        ]

    def test_changes_are_told_against_the_earlier_review(self, tmp_path: Path) -> None:
        build(tmp_path / "2025Q3", earlier_review())
        text = index(tmp_path / "2025Q4", example())
        assert "Changes since 2025Q3" in text
        assert "keep testing → <b>adopt</b>" in text
        assert "2025Q3 reads 8.1 % today" in text
        assert "still here" in text

    def test_without_an_earlier_review_the_page_says_so(self, tmp_path: Path) -> None:
        text = index(tmp_path, example())
        assert "Changes since the period before" in text
        assert "There is no earlier review beside this one." in text
        assert "Since last review" not in text

    def test_many_kpis_stand_under_their_owner_the_control_last(self, tmp_path: Path) -> None:
        runs = []
        for i in range(10):
            owner, role = ("sales", "finance")[i % 2], "control" if i == 1 else "leading"
            record = ResultRecord(kpi=f"k{i}", title=f"K{i}", owner=owner, role=role)
            runs.append(NotebookRun(name=f"k{i}", status="ok", record=record))
        text = index(tmp_path, example().model_copy(update={"notebooks": runs}))
        assert re.findall(r'class="group">(\w+)<', text) == ["Finance", "Sales", "Control"]

    def test_empty_review_is_still_a_page(self, tmp_path: Path) -> None:
        text = index(tmp_path, example().model_copy(update={"notebooks": [], "not_run": []}))
        assert "No KPI gave a result." in text


class TestNotebookPage:
    def test_code_is_hidden_and_parameters_are_a_table(self, tmp_path: Path) -> None:
        text = page(tmp_path, notebook(None, "One"))
        assert "show(chart)" not in text
        assert "<td>6 <small>default 8</small></td><td>periods: how many to show</td>" in text

    def test_controls_are_left_out(self, tmp_path: Path) -> None:
        text = page(tmp_path, notebook(None, "One"))
        assert "Explore" not in text
        assert "References" in text

    def test_the_record_is_for_machines(self, tmp_path: Path) -> None:
        text = page(tmp_path, notebook(time_to_value(), "One"))
        assert "record of x" not in text

    def test_formulas_are_drawn_by_the_browser(self, tmp_path: Path) -> None:
        text = page(tmp_path, notebook(None, "One"))
        assert "<mfrac>" in text
        assert "MathJax" not in text

    def test_a_formula_that_cannot_be_read_stays_text(self, tmp_path: Path) -> None:
        text = page(tmp_path, [markdown_cell("# A\n\nThus $\\frac{$ holds.")])
        assert "<code>\\frac{</code>" in text

    @pytest.mark.parametrize(
        ("text", "formulas"),
        [
            ("It costs $5 here and $6 there.", 0),
            ("In code `$a$` and escaped \\$a\\$.", 0),
            ("```\n$a$\n```", 0),
            ("Days $d$ of $x_1$.", 2),
            ("$$a\n+ b\n- c$$", 1),  # a line that looks like a list
            ("$\\text{<b>x</b>}$", 1),
        ],
    )
    def test_what_is_a_formula(self, text: str, formulas: int) -> None:
        html = markdown(text)
        assert html.count("<math") == formulas
        assert "<b>" not in html
        assert "<li>" not in html

    def test_links_lead_to_pages_or_become_words(self, tmp_path: Path) -> None:
        cells = [markdown_cell("See [this](one.ipynb) and [that](other.ipynb).")]
        text = page(tmp_path, cells)
        assert '<a href="one.html">this</a> and that.' in text

    def test_marks_of_a_chart_lead_to_pages_or_nowhere(self, tmp_path: Path) -> None:
        rows = [{"href": "one.ipynb"}, {"href": "other.ipynb"}]
        output = shown(
            {"application/vnd.vegalite.v5+json": {"mark": "bar", "data": {"values": rows}}}
        )
        text = page(tmp_path, [code_cell("draw()", output)])
        assert '[{"href":"one.html"},{"href":""}]' in text

    def test_sentence_before_a_record_is_not_for_readers(self, tmp_path: Path) -> None:
        emitted = shown({RESULT_MIME: {}, "text/plain": "record of x"})
        text = page(tmp_path, [markdown_cell("It travels."), code_cell("record()", emitted)])
        assert "It travels." not in text

    def test_specification_cannot_end_its_script(self, tmp_path: Path) -> None:
        spec = {"mark": "bar", "title": "</script><b>x", "data": {"values": []}}
        output = shown({"application/vnd.vegalite.v5+json": spec})
        text = page(tmp_path, [code_cell("draw()", output)])
        assert "</script><b>" not in text
        assert "\\u003c/script>" in text

    def test_computed_words_never_become_markup(self, tmp_path: Path) -> None:
        output = shown({"text/markdown": "Led by <img src=x onerror=alert(1)>."})
        text = page(tmp_path, [code_cell("say()", output)])
        assert "<img" not in text

    def test_outside_scripts_are_removed(self, tmp_path: Path) -> None:
        html = '<script src="https://cdn.example/x.js"></script><p>kept</p>'
        text = page(tmp_path, [code_cell("show()", shown({"text/html": html}))])
        assert "cdn.example" not in text
        assert "<p>kept</p>" in text

    def test_failure_says_where_what_and_what_still_holds(self, tmp_path: Path) -> None:
        run = NotebookRun(name="one", status="failed", message="KeyError: 'monthly_amount'")
        build(tmp_path, example().model_copy(update={"notebooks": [run]}))
        write_report(tmp_path)
        text = (tmp_path / "one.html").read_text()
        assert "It stopped in the section “What it is made of”, at code cell 4 of 5." in text
        assert "KeyError: &#39;monthly_amount&#39;" in text
        assert "What still holds: Parameters and The number." in text
        assert "Missing or incomplete: What it is made of and Who is behind it." in text
        assert "\x1b[" not in text

    def test_a_killed_notebook_shows_where_it_was(self, tmp_path: Path) -> None:
        cells = [
            markdown_cell("# One\n\n## First"),
            code_cell("a"),
            markdown_cell("## Second"),
            code_cell("b", count=None),
        ]
        run = NotebookRun(name="one", status="killed", message="the kernel died")
        text = page(tmp_path, cells, run)
        assert "in the section “Second”, at code cell 2 of 2 (killed)." in text
        assert "the kernel died" in text
        assert "What still holds: First." in text

    def test_a_stop_among_the_controls_is_told_though_they_are_left_out(
        self, tmp_path: Path
    ) -> None:
        cells = [
            markdown_cell("## First"),
            code_cell("a"),
            markdown_cell("## Explore"),
            code_cell("b", count=None, tags=("interactive",)),
            markdown_cell("## Last"),
            code_cell("c", count=None),
        ]
        run = NotebookRun(name="one", status="timeout", message="cell over 600 s")
        text = page(tmp_path, cells, run)
        assert "in the section “Explore”, at code cell 2 of 3 (timeout)." in text
        assert "What still holds: First. Missing or incomplete: Last." in text

    def test_an_error_before_any_section(self, tmp_path: Path) -> None:
        run = NotebookRun(name="one", status="failed", message="boom")
        text = page(tmp_path, [code_cell("a", failed("ImportError", "no x"))], run)
        assert "It stopped at its head, at code cell 1 of 1." in text
        assert "ImportError: no x" in text

    def test_no_notebook_left_behind(self, tmp_path: Path) -> None:
        run = NotebookRun(name="one", status="invalid parameters", message="periods: at least 2")
        (tmp_path / "results.json").write_text(
            to_json(example().model_copy(update={"notebooks": [run]}))
        )
        write_report(tmp_path)
        text = (tmp_path / "one.html").read_text()
        assert "It ended as: invalid parameters." in text
        assert "periods: at least 2" in text

    def test_unreadable_notebook_does_not_stop_the_others(self, tmp_path: Path) -> None:
        folder = build(tmp_path)
        (folder / "time_to_value.ipynb").write_text("{", encoding="utf-8")
        write_report(folder)
        text = (folder / "time_to_value.html").read_text()
        assert "time_to_value.ipynb is not a readable notebook." in text
        assert (folder / "gross_revenue.html").exists()

    def test_stderr_is_folded(self, tmp_path: Path) -> None:
        stream = {"output_type": "stream", "name": "stderr", "text": ["\x1b[31mslow\x1b[0m"]}
        text = page(tmp_path, [code_cell("a", stream)])
        assert "<details><summary>Messages</summary><pre>slow</pre></details>" in text

    def test_library_is_written_only_where_a_chart_is(self, tmp_path: Path) -> None:
        page(tmp_path / "without", [markdown_cell("# A")])
        assert not (tmp_path / "without" / "assets").exists()
        page(tmp_path / "with", [code_cell("a", shown(chart()))])
        script = (tmp_path / "with" / "assets" / "vega.js").read_text(encoding="utf-8")
        assert "window.vegaEmbed" in script


class TestFiles:
    def test_a_failed_write_leaves_the_old_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        target = write_whole(tmp_path / "a.html", "old")

        def refuse(self: Path, other: Path) -> Path:
            raise OSError("disk full")

        monkeypatch.setattr(Path, "replace", refuse)
        with pytest.raises(OSError, match="disk full"):
            write_whole(target, "new")
        assert target.read_text() == "old"
        assert list(tmp_path.iterdir()) == [target]

    def test_the_library_is_made_where_the_cache_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        import vl_convert

        from kpi_lib.review.report import vega

        (tmp_path / "file").write_text("not a folder")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        monkeypatch.setattr(vl_convert, "javascript_bundle", lambda *_, **__: "script")
        assert vega.bundle() == "script"
        assert "could not be kept" in capsys.readouterr().err
