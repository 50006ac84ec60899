"""A condition on results, as `share > 0.2 and leading.lead_months < 3`: registered, checked, told."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from kpi_lib.condition.parsing import checked as checked
from kpi_lib.condition.parsing import parsed as parsed
from kpi_lib.condition.telling import Known as Known
from kpi_lib.condition.telling import Told as Told
from kpi_lib.condition.telling import tell as tell
from kpi_lib.condition.wording import in_words as in_words

Condition = Annotated[str, AfterValidator(checked)]
"""The text of a condition, checked when it is read; empty for none."""
