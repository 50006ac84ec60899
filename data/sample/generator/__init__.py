"""The generator of the two sample companies: one module per group of tables."""
