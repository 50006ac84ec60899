"""What several KPIs know about customers: who pays, who uses, who waits, who leaves.

Functions of tables to Ibis expressions. KPIs import from here and never from each other.
"""
