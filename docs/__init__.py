"""Pages for people, and the parts of them that are made from the code: `python -m docs`."""
