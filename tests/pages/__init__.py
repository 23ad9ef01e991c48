"""Bellhop as people see it: a real browser, a real bot, an offline GitHub. `make test-pages`."""
