"""The parts of acquisition cost as its card shows them, and the list of new customers."""

from __future__ import annotations

from kpi_lib.customers.sales import acquisition_audit, acquisition_parts
from kpi_lib.customers.sales.acquisition import VARIANTS
from kpi_lib.kpi import Part, Unit

CAC = dict.fromkeys(("cac", "low", "high", "spend"), Unit.MONEY) | {"customers": Unit.COUNT}

WHO = Part(
    name="customers",
    title="The new customers",
    meaning="The newest first: through which source it came, what it pays now, its share of the "
    "period's spend, and after how many months it has paid that back. `ends_on` is filled where "
    "it has left or given notice.",
    compute=acquisition_parts.listed,
    units={"mrr": Unit.MONEY_PER_MONTH, "cost": Unit.MONEY, "payback_months": Unit.RATIO},
)

PARTS = (
    Part(
        name="variants",
        title="Four ways to count the spend",
        meaning="All: sales and marketing. Acquisition: without what is spent on customers one has. "
        "Lagged: acquisition, each month's money spread over the sales cycle of its department. "
        "Loaded: sales, marketing and support.",
        compute=acquisition_parts.variants,
        view="lines",
        units=dict.fromkeys(VARIANTS, Unit.MONEY) | {"customers": Unit.COUNT},
    ),
    Part(
        name="year",
        title="The last twelve months",
        meaning="The same four over twelve months, with the interval that so many customers allow, "
        "and payback: cac / (arpa x gross margin).",
        compute=acquisition_parts.year,
        view="bars",
        units=CAC
        | {
            "arpa": Unit.MONEY_PER_MONTH,
            "gross_margin": Unit.SHARE,
            "payback_months": Unit.RATIO,
        },
    ),
    Part(
        name="departments",
        title="Who spent it, and for what",
        meaning="Spend of the last twelve months by department and purpose.",
        compute=acquisition_parts.departments,
        view="waterfall",
        units={"spend": Unit.MONEY},
    ),
    Part(
        name="by_channel",
        title="By channel",
        meaning="Spend that names a channel over the last twelve months, and the customers whose "
        "first lead came through it. Below `min_customers` there is no figure.",
        compute=acquisition_parts.by_channel,
        view="bars",
        units=CAC,
    ),
    Part(
        name="cost_per_lead",
        title="Cost per lead",
        meaning="All of sales and marketing over the leads created in the period. It rises when "
        "leads are no longer written down.",
        compute=acquisition_parts.cost_per_lead,
        view="lines",
        units={"cost_per_lead": Unit.MONEY, "leads": Unit.COUNT},
    ),
    Part(
        name="audit",
        title="Is the cost only booked elsewhere?",
        meaning="The share of the spend that is booked as support, and what a new customer pays "
        "first. Either moves when the cost falls on paper alone.",
        compute=acquisition_audit.audit,
        units={
            "support_share": Unit.SHARE,
            "first_amount": Unit.MONEY_PER_MONTH,
            "customers": Unit.COUNT,
        },
    ),
)
