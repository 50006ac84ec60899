"""Is it a KPI? Six tests of any candidate on the team's own data, and the verdict they suggest."""
