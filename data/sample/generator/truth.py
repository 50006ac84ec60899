"""What was planted in the sample, in numbers. Tests recover these values from the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Truth:
    """The planted truth. Odds ratios are on losing a renewal unless said otherwise."""

    seed: int = 9
    last_day: date = date(2026, 6, 30)
    first_day: date = date(2019, 1, 1)

    paying_accounts: int = 90
    """Accounts paying on the last day."""
    signed_2025q4: int = 12
    """Customers signed in the last quarter of 2025; all of them reached first value."""
    mean_time_to_value_2025q4: int = 65
    """Their mean number of days from signing to first value."""
    mean_contract_days_2025q4: int = 8
    """Their mean days in the stage contract_and_nda, owned by legal."""
    mean_it_access_days_2025q4: int = 15
    """Their mean days in the stage it_access, owned by the customer's IT."""

    odds_ratio_time_to_value: float = 2.5
    """Per 30 days more from signing to first value (days waited at the term end if not reached)."""
    odds_ratio_inactive: float = 16.0
    """Accounts that went quiet before the decision against those that did not."""
    odds_ratio_engagement: float = 0.8
    """Per standard deviation of the engagement of the term."""
    odds_ratio_amount: float = 1.0
    """Money tells nothing about renewal."""
    share_inactive: float = 0.2
    """Chance per term to go quiet (people and mixed accounts that have reached value)."""
    quiet_days_ahead: tuple[int, int] = (122, 183)
    """Days between going quiet and the day of decision: four to six months."""
    notice_days: tuple[int, int] = (30, 90)
    """Days between the decision (a lost account gives notice then) and the term end."""

    odds_ratio_workshop: float = 2.5
    """An executive workshop raises the odds that an opportunity is committed."""
    odds_ratio_guide: float = 3.0
    """Reading the integration guide raises the odds that a qualified company becomes an opportunity."""
    odds_ratio_ten_trends: float = 1.0
    """The post with the many views does nothing."""
    odds_ratio_webinar: float = 1.0
    """The renewal webinar does nothing: it goes to those who would renew anyway."""
    lead_conversion_enterprise: float = 0.16
    """Share of enterprise leads won, the same in every year."""
    lead_conversion_mid_market: float = 0.08
    """Share of mid-market leads won, the same in every year."""
    enterprise_share_of_leads: tuple[float, float] = (0.20, 0.55)
    """Share of enterprise among new customers' leads, first and last year: only the mix improves."""
    gross_margin: float = 0.78
    """One minus costs of goods and of service over the amounts billed."""
    clv_to_acquisition_cost: float = 3.0
    """Simple lifetime value (ARPA x margin / churn) over sales and marketing spend per new customer."""

    price_growth: float = 0.06
    """Wholesale: list prices rise by this a year; items per basket do not change."""
    booking_moved_share: float = 0.8
    """Wholesale: share of the booked units that would have been bought in season anyway."""
    stock_out_share: float = 0.40
    """Wholesale: share of abandoned carts whose cause is an article out of stock."""
    price_comparison_share: float = 0.25
    """Wholesale: share of abandoned carts whose cause is comparing prices."""
    delivery_cost_share: float = 0.20
    """Wholesale: share of abandoned carts whose cause is the delivery cost shown."""


TRUTH = Truth()
