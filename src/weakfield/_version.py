"""The version that is being made or was made last, which every result records.

Distributions take theirs from git tags (setuptools-scm): between releases it names the commit as well. Both are the
same on the commit of a release.
"""

__version__ = "0.1.0"
