"""Competitors' figures of the small company: of our definition, of another, of none that is stated."""

from __future__ import annotations

from datetime import date
from typing import Any

FIGURES = (
    ("Alder", "revenue_retention", 1.05, "high", "retention=net; window_months=12"),
    ("Birch", "revenue_retention", 0.9, "medium", "retention=net"),
    ("Alder", "employee_nps", 10.0, "high", "promoter_from=9; passive_from=7"),
    ("Birch", "employee_nps", -5.0, None, "promoter_from=9"),
    ("Alder", "cart_abandonment", 0.5, "high", "period=quarter; window_hours=48"),
    ("Birch", "cart_abandonment", 0.6, "low", "window_hours = 48"),
    ("Alder", "customer_churn", 0.02, "high", "period=month"),
    ("Birch", "basket", 70.0, "low", None),
    ("Birch", "gross_revenue", 1_000.0, "low", None),
)


def benchmark_rows() -> list[dict[str, Any]]:
    """Every figure for each quarter of two years, a hundredth larger each quarter."""
    quarters = [date(year, month, 1) for year in (2024, 2025) for month in (1, 4, 7, 10)]
    return [
        {
            "competitor": competitor,
            "kpi": kpi,
            "period": first,
            "value": value * (1 + place / 100),
            "source": "annual report",
            "confidence": confidence,
            "definition": definition,
        }
        for place, first in enumerate(quarters)
        for competitor, kpi, value, confidence, definition in FIGURES
    ]
