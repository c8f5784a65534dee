"""Explanations against truth: a functional of known attribution, and the scores of methods and networks on it."""
