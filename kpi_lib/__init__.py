"""A workbook that puts candidate KPIs on trial."""
