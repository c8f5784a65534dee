"""Whether an attribution can be trusted: tests that one which does not depend on the network would fail."""
