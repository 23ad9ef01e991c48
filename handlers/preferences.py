"""What applies to an attempt, out of all the places that may say something about it.

The most specific place that says something wins: what was asked for (a command's options, a
program's request), the repository's file, the installation, the person, the server. Limits
combine by the least of them. Nothing is used that the operator does not offer.
"""

from __future__ import annotations

MOST_AT_ONCE = 100
"""Attempts of one repository at a time that anybody may set."""
MOST_COST = 1_000_000.0
"""US dollars of an attempt that anybody may set: a bound, so that it is a number to count with."""
