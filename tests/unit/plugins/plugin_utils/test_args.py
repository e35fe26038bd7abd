import copy

from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain


class Tagged(str):
    """A string as ansible-core makes them, with something attached that must not be copied along."""

    def __deepcopy__(self, memo):
        raise AssertionError("copied")


def test_strings_lose_their_tags_at_any_depth():
    given = {Tagged("sites"): [{"name": Tagged("shop")}, (Tagged("blog"),)]}
    result = plain(given)
    assert result == {"sites": [{"name": "shop"}, ["blog"]]}
    assert copy.deepcopy(result) == result
    assert {type(key) for key in result} == {str}


def test_other_values_are_unchanged():
    given = [True, 4096, None, 1.5]
    assert [(value, type(value)) for value in plain(given)] == [(value, type(value)) for value in given]
