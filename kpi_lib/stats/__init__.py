"""Estimators and intervals: arithmetic on small frames that knows no KPI and no table."""
