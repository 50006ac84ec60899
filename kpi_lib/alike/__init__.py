"""Many expressions that differ in constants only (the day asked about, a window): compiled once.

Turning an expression into SQL takes several times as long as running it on a small company. The
scores of an account on sixty month ends are sixty expressions of one shape, so the first is
compiled with marks in place of the constants that vary, and the text is filled in for the others.
Whatever does not fit exactly is compiled on its own; the rows are the same either way.
"""

from kpi_lib.alike.texts import Names, kept_each, run_each, run_on_each

__all__ = ["Names", "kept_each", "run_each", "run_on_each"]
