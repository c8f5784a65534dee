"""What the pages of docs/theory show: a module a page, with ``measure(tiny)``, ``draw(results)``, ``text(results)``.

``measure`` returns numbers only, the same for every call; ``tiny`` makes it a matter of a second, for tests.
"""
