"""The tests a candidate KPI has to stand."""
