"""Results as pictures, tables and cards; the only door to altair."""
