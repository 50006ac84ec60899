"""Companies whose truth is planted, to measure how often the verdict errs; see `benchmarks/verdicts.py`."""
