"""The reference worker: one attempt at one task, from the clone to the push.

It needs nothing but the standard library and git, and imports nothing of the rest of Bellhop.
"""
