import copy

from ansible_collections.gatehouse.django.plugins.plugin_utils._args import plain, type_errors


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


def test_errors_name_the_element():
    spec = {
        "sites": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "maintenance": {"type": "bool"},
                "locations": {
                    "type": "list",
                    "elements": "dict",
                    "options": {"path": {"type": "str"}, "untrusted": {"type": "bool"}},
                },
            },
        },
        "nginx_conf": {"type": "dict", "options": {"manage": {"type": "str", "choices": ["auto"]}}},
    }
    given = {
        "sites": [
            {"name": "blog", "maintenance": "yes", "locations": [{"path": "/"}, {"path": "/m/", "untrusted": "maybe"}]},
            {"maintenance": "later"},
        ],
        "nginx_conf": {"manage": "never"},
    }
    errors = list(type_errors(spec, given, "nginx_config"))
    assert len(errors) == 4
    starts = (
        "nginx_config: sites[blog]: locations[/m/]: argument 'untrusted' is of type ",
        "nginx_config: sites[1]: missing required arguments: name",
        "nginx_config: sites[1]: argument 'maintenance' is of type ",
        "nginx_config: nginx_conf: value of manage must be one of: auto, got: never",
    )
    assert [error for error, start in zip(errors, starts, strict=True) if not error.startswith(start)] == []
    given["sites"], given["nginx_conf"] = given["sites"][:1], {}
    given["sites"][0]["locations"].pop()
    assert list(type_errors(spec, given, "nginx_config")) == []


def test_an_element_of_another_type_is_an_error_of_the_list():
    spec = {"sites": {"type": "list", "elements": "dict", "options": {"name": {"type": "str"}}}}
    (error, *_more) = type_errors(spec, {"sites": ["shop"]}, "nginx_config")
    assert error.startswith("nginx_config: ")
