"""One module per candidate KPI; the folder is the registry."""
