"""Two apps, both the project `steady`: `steady` under WSGI and `live` under ASGI."""

import pytest
from helpers.steady import variant_in


@pytest.fixture
def variant(tmp_path):
    """Makes copies of the project; each is a release of its own."""
    return lambda files=None: variant_in(tmp_path, files)
