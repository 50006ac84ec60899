"""How the house is built: which way imports run, who holds which door, how large a room may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "kpi_lib"
LONGEST_FILE = 300
LONGEST_BODY = 40
LONG_FOR_A_REASON = {"kpi_lib.contract": "one declaration for each table of the data contract"}

ARROWS: dict[str, set[str]] = {
    # the ground: what a KPI is and what data may look like
    "caching": set(),
    "periods": set(),
    "schema": set(),
    "compiled": {"caching"},
    "engine": {"compiled"},
    "judged": set(),
    "wording": set(),
    "condition": {"wording"},
    "contract": {"schema"},
    "editing": {"schema"},
    "kpi": {"condition", "periods", "schema"},
    "alike": {"compiled", "engine"},
    # what a KPI is written with
    "stats": {"kpi"},
    "customers": {"editing", "engine", "kpi", "periods", "schema", "stats"},
    "example": {"contract", "customers", "schema"},
    "composite": {"engine", "kpi", "measure", "periods", "schema", "stats", "wording"},
    "kpis": {"composite", "customers", "kpi", "periods", "schema", "stats"},
    "catalogue": {"composite", "contract", "kpi", "kpis"},
    # where tables come from; knows no KPI
    "data": {"alike", "caching", "contract", "engine", "schema"},
    # what can be asked of any KPI; knows no data set and no KPI
    "measure": {"engine", "kpi", "periods", "schema", "stats", "wording"},
    "sentence": {"kpi", "measure", "wording"},
    "sweep": {"alike", "kpi", "measure", "schema"},
    "evidence": {
        *{"alike", "caching", "condition", "contract", "engine", "judged", "kpi", "measure"},
        *{"periods", "schema", "sentence", "stats", "sweep", "wording"},
    },
    # what a data set feeds, and the parameters registered for it
    "registered": {"catalogue", "composite", "data", "kpi"},
    "candidates": {"catalogue", "data", "kpi", "registered"},
    # how it is shown
    "charts": {"kpi", "wording"},
    "view": {"charts"},
    "verbs": {"charts", "view"},
    "sections": {
        *{"candidates", "catalogue", "charts", "condition", "data", "engine", "evidence", "kpi"},
        *{"measure", "schema", "sentence", "stats", "sweep", "view", "wording"},
    },
    # one notebook: everything above, for one KPI on one data set
    "experiment": {
        *{"candidates", "catalogue", "charts", "data", "evidence", "explore", "kpi", "measure"},
        *{"registered", "schema", "sections", "sweep", "view", "wording"},
    },
    "explore": {"charts", "experiment", "kpi", "measure", "sections"},
    "overview": {"candidates", "data", "evidence", "kpi", "schema", "sections", "view"},
    "results": {
        *{"charts", "engine", "evidence", "experiment", "kpi", "measure", "sections", "sentence"},
    },
    "": {"data", "experiment", "overview", "results", "verbs"},
    # many notebooks
    "review": {
        *{"caching", "candidates", "catalogue", "condition", "data", "evidence", "judged", "kpi"},
        *{"overview", "periods", "sections", "wording"},
    },
    "cli": {"review"},
}
"""What each room of kpi_lib imports from the others; "" is the face. A new arrow is a decision."""

CUSTOMERS: dict[str, set[str]] = {
    "": set(),
    "money": {""},
    "people": {""},
    "growth": {"", "money", "use"},
    "sales": {"", "money", "people"},
    "shop": {"", "money"},
    "use": {"", "money"},
}
"""The same within the largest room, kpi_lib.customers; "" is what all of it shares."""

DOORS: dict[str, tuple[str, ...]] = {
    "altair": ("charts",),
    "ipywidgets": ("explore",),
    "papermill": ("review",),
    "nbclient": ("review",),
    "nbconvert": ("review",),
    "duckdb": ("data",),
}
"""The only room that may import a library."""

CONNECTORS = {"connect", "duckdb", "postgres", "pyspark", "read_csv", "read_parquet"}
"""What of ibis opens a connection or a file: the business of kpi_lib/data alone."""


@cache
def files() -> tuple[Path, ...]:
    return tuple(sorted(PACKAGE.rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def dotted(path: Path) -> str:
    """The module name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """The first name below kpi_lib: the room a module stands in."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def typing_only(module: ast.Module) -> set[ast.stmt]:
    """Statements under `if TYPE_CHECKING`."""
    return {
        inner
        for node in ast.walk(module)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in node.body
    }


def imported(path: Path, *, at_run_time: bool = False) -> Iterator[str]:
    """Every module a file imports; `from kpi_lib import x` counts as kpi_lib.x."""
    module = tree(path)
    skipped = typing_only(module) if at_run_time else set()
    for node in ast.walk(module):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{name.name}" for name in node.names}
            yield from names & modules()
            if names - modules():
                yield node.module


@cache
def modules() -> frozenset[str]:
    return frozenset(dotted(path) for path in files())


def arrows(path: Path, *, at_run_time: bool = False) -> set[str]:
    """The other modules of kpi_lib that a file imports."""
    found = {name for name in imported(path, at_run_time=at_run_time) if name in modules()}
    return found - {dotted(path), "kpi_lib"}


def test_arrows_run_as_drawn() -> None:
    found: dict[str, set[str]] = {}
    for path in files():
        here = room(dotted(path))
        found.setdefault(here, set()).update({room(name) for name in arrows(path)} - {here, ""})
    undrawn = {here: rooms - ARROWS.get(here, set()) for here, rooms in found.items()}
    assert {here: rooms for here, rooms in undrawn.items() if rooms} == {}
    assert set(ARROWS) == set(found), (
        "a room without a place in the picture, or a place without one"
    )


def test_arrows_among_the_customers_run_as_drawn() -> None:
    found: dict[str, set[str]] = {}
    for path in sorted((PACKAGE / "customers").rglob("*.py")):
        here = corner(dotted(path))
        others = {name for name in arrows(path) if room(name) == "customers"}
        found.setdefault(here, set()).update({corner(name) for name in others} - {here})
    assert {here: rooms - CUSTOMERS.get(here, set()) for here, rooms in found.items()} == {
        here: set() for here in CUSTOMERS
    }


def corner(module: str) -> str:
    """The folder of kpi_lib.customers that a module stands in."""
    parts = module.split(".")
    return parts[2] if len(parts) > 3 or (PACKAGE / "customers" / parts[-1]).is_dir() else ""


def test_no_kpi_imports_another() -> None:
    for path in sorted((PACKAGE / "kpis").glob("*.py")):
        assert not any(name.startswith("kpi_lib.kpis.") for name in arrows(path)), path.name


def test_files_do_not_import_each_other_in_a_circle() -> None:
    edges = {dotted(path): arrows(path, at_run_time=True) for path in files()}
    finished: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " -> ".join([*above[above.index(name) :], name])
        if name in finished:
            return
        for other in sorted(edges[name]):
            visit(other, (*above, name))
        finished.add(name)

    for name in sorted(edges):
        visit(name, ())


def test_doors_are_held_by_one_room() -> None:
    wrong = [
        f"{dotted(path)} imports {name}"
        for path in files()
        for name in imported(path, at_run_time=True)
        if room(dotted(path)) not in DOORS.get(name.split(".")[0], (room(dotted(path)),))
    ]
    assert not wrong


def test_only_the_data_side_opens_connections() -> None:
    wrong = [
        f"{dotted(path)}: ibis.{node.attr}"
        for path in files()
        if room(dotted(path)) != "data"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "ibis"
        and node.attr in CONNECTORS
    ]
    assert not wrong


def test_only_one_place_executes_expressions() -> None:
    wrong = [
        f"{dotted(path)}: {ast.unparse(node.func)}"
        for path in files()
        if room(dotted(path)) not in {"engine", "data"} and "ibis" in names_in(path)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"execute", "to_pandas", "to_polars", "to_pyarrow_batches"}
    ]
    assert not wrong


def names_in(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path, at_run_time=True)}


def test_files_stay_short() -> None:
    lines = {dotted(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files()}
    long = {name: count for name, count in lines.items() if count > LONGEST_FILE}
    assert {name: count for name, count in long.items() if name not in LONG_FOR_A_REASON} == {}


def test_functions_stay_short() -> None:
    long = {}
    for path in files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                long[f"{dotted(path)}.{node.name}"] = lines_of_body(node)
    assert {name: count for name, count in long.items() if count > LONGEST_BODY} == {}


def lines_of_body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the last."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_every_module_says_what_it_is() -> None:
    assert [dotted(path) for path in files() if not ast.get_docstring(tree(path))] == []


def test_every_folder_with_modules_is_a_package() -> None:
    for folder in {path.parent for path in files()}:
        assert (folder / "__init__.py").exists(), folder.relative_to(ROOT)


def test_the_card_of_a_kpi_needs_ibis_and_pydantic_only() -> None:
    allowed = {"ibis", "pydantic", "kpi_lib", "collections", "dataclasses", "datetime", "enum"}
    allowed |= {"typing", "__future__"}
    assert names_in(PACKAGE / "kpi.py") <= allowed


def test_the_rules_bite() -> None:
    """The names that the tables above speak of exist, so that no rule is about nothing."""
    rooms = {room(name) for name in modules()} - {""}
    assert {keeper for keepers in DOORS.values() for keeper in keepers} <= rooms
    assert set(LONG_FOR_A_REASON) <= modules()
