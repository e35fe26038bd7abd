"""Whether to take the long form of a test: `make test-long`."""

import os

LONG = os.environ.get("GATEHOUSE_LONG") == "1"
