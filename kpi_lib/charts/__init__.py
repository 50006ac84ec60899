"""Results as Altair charts; the only door to altair."""
