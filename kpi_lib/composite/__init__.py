"""Figures made of several KPIs: a card that names its parts, and what makes a KPI of it.

A composite becomes an ordinary `Kpi`: its observations are those of its parts below each other, its
estimator draws the accounts once for all of them. So all that holds for a KPI holds for it too.
"""

from kpi_lib.composite.card import Beside, Composite, CompositeParams
from kpi_lib.composite.compose import compose

__all__ = ["Beside", "Composite", "CompositeParams", "compose"]
