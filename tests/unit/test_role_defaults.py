"""A role's defaults/main.yml and its argument specs agree: same variables, same values."""

from pathlib import Path

import pytest
import yaml
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import APP_OPTIONS, ARGUMENT_SPEC
from jinja2 import ChainableUndefined
from jinja2.nativetypes import NativeEnvironment

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent.parent.name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))


def options(role):
    """All entry points' options; an option that two of them take is described alike."""
    specs = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())["argument_specs"]
    found = {}
    for spec in specs.values():
        for name, option in (spec.get("options") or {}).items():
            assert found.setdefault(name, option).get("default") == option.get("default"), name
    return found


def defaults(role):
    path = ROOT / "roles" / role / "defaults/main.yml"
    return (yaml.safe_load(path.read_text()) or {}) if path.is_file() else {}


def rendered(value):
    """The default as it is for one who includes the role alone, without an item of site.yml's list."""
    if isinstance(value, str) and "{{" in value:
        return NativeEnvironment(undefined=ChainableUndefined).from_string(value).render()
    return value


@pytest.mark.parametrize("role", ROLES)
def test_variables_carry_the_roles_name(role):
    assert [name for name in {**options(role), **defaults(role)} if not name.startswith(f"{role}_")] == []


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_an_option(role):
    assert sorted(set(defaults(role)) - set(options(role))) == []


@pytest.mark.parametrize("role", ROLES)
def test_every_optional_top_level_option_with_a_default_says_the_same(role):
    documented = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert {name: rendered(value) for name, value in defaults(role).items() if name in documented} == documented


@pytest.mark.parametrize("role", ROLES)
def test_a_required_variable_has_no_default(role):
    required = {name for name, option in options(role).items() if option.get("required")}
    given = {name for name, value in defaults(role).items() if isinstance(value, str) and "default(" not in value}
    assert sorted(required & given) == []


def shape(spec):
    """What an argument spec accepts: type, elements, choices, default and suboptions of each option."""
    found = {}
    for name, option in spec.items():
        keys = ("type", "elements", "choices", "default", "required")
        given = {key: option[key] for key in keys if option.get(key) not in (None, False, "", {})}
        found[name] = given | {"options": shape(option.get("options") or {})}
    return found


def test_the_role_and_the_module_accept_the_same_options_of_an_app():
    role = {name.removeprefix("django_app_"): option for name, option in shape(options("django_app")).items()}
    module = shape({name: ARGUMENT_SPEC["app" if name == "name" else name] for name in APP_OPTIONS})
    for name in ("settings_module", "source"):
        # The module requires them by `required_if`; a variable of a role has a default.
        role[name].pop("default", None)
    assert role == module
