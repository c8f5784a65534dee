"""Whether an attribution can be trusted: tests that an attribution would fail if it did not depend on the network."""
