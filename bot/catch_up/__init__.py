"""Catching up on deliveries that were missed: GitHub tries each once, and keeps a log of them.

A look (`look.py`) reads the log as far back as it was not read and notes what did not arrive, gets
the payloads (both in `finding.py`), and has one after the other delivered again, in the order in
which they were written; what does not come that way is taken from the payload (`taking.py`). Each
step is in the database before the next begins, so that a look may be cut off anywhere.
"""
