"""Opening, mapping and checking data sets; the only door to files and connections."""
