"""The fingerprint of a release's inputs."""

from __future__ import annotations

import time

from ansible_collections.gatehouse.django.plugins.plugin_utils._app.digest import digest


def test_the_order_of_inputs_does_not_matter():
    assert digest("shop", {"a": 1, "b": [2]}) == digest("shop", {"b": [2], "a": 1})


def test_each_input_changes_the_fingerprint():
    assert (
        len({digest("shop", {"a": 1}), digest("shop", {"a": "1"}), digest("shop", {"b": 1}), digest("cafe", {"a": 1})})
        == 4
    )


def test_guessing_a_secret_from_it_is_slow():
    start = time.process_time()
    digest("shop", {"password": "guess"})
    assert time.process_time() - start > 0.005
