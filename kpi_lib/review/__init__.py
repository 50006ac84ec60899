"""Running notebooks, keeping their results and writing the report."""
