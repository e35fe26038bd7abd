"""The types of an app's options are those of the argument spec."""

import typing

from ansible_collections.gatehouse.django.plugins.module_utils._app import params, spec


def keys(record):
    return set(typing.get_type_hints(record))


def test_the_module_reads_the_options_that_are_sent():
    assert keys(params.Sent) == set(spec.SENT)


def test_the_controller_has_all_options():
    # The entry is compared with the options, a backup has a module of its own, and a role balances `serial` hosts.
    others = {"entry", "backup", "hosts", "serial", *spec.INTERNAL}
    assert keys(params.Options) == set(spec.ARGUMENT_SPEC) - others


def test_nested_options_have_the_keys_of_their_specs():
    for record, option in (
        *((params.Source, "source"), (params.Process, "processes"), (params.Timer, "timers")),
        *((params.Limits, "limits"), (params.Run, "run")),
    ):
        assert keys(record) == set(spec.ARGUMENT_SPEC[option]["options"]), option
