"""The whole way of a configuration from options to files, as the action plugin and the module go it."""

import posixpath
import subprocess
from functools import cache

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.certificates import make, path
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.compose import compose
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import EXPECTED
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.generation import Generation
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.names import normalise_names
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_keys, check_sites
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.render import render


class Trusted(dict):
    """What the host says of any alias here: an app can write what is in the directory above its end."""

    def __missing__(self, alias):
        return {"mode": "refuse", "trusted": posixpath.dirname(alias.rstrip("/")).rstrip("/")}


HOST = EXPECTED | {"conf_dir": "/etc/nginx", "user": "www-data", "ipv6": True, "symlinks": Trusted()}


def checked(*sites):
    """What the action plugin makes of the sites before anything else; raises ValueError for what it refuses."""
    args = {"sites": list(sites), "nginx_conf": {}}
    check_keys(args)
    result = ArgumentSpecValidator(ARGUMENT_SPEC).validate(args)
    if result.error_messages:
        raise ValueError("nginx_config: " + "; ".join(result.error_messages))
    normalise_names(result.validated_parameters["sites"])
    check_sites(result.validated_parameters["sites"])
    return result.validated_parameters


@cache
def pem():
    """A certificate: its names are of no interest to nginx."""

    def run(command, *, data, binary_data):
        done = subprocess.run(command, input=data, capture_output=True, check=True)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return make(run, "any", ["any.example"])


def files(params, version=None):
    """What nginx of that version would read, by path below its directory."""
    rendered = render(HOST | {"version": version}, params["sites"], params["nginx_conf"])
    generation = compose(HOST["conf_dir"], Generation(), rendered, purge=False, owns_nginx_conf=True)
    secured = [path("", name) for name, site in generation.sites.items() if "tls" in site]
    live = {f"gatehouse/live/{name}": content for name, content in generation.files.items()}
    return {str(file): pem() for file in secured} | live | {"nginx.conf": "include gatehouse/live/nginx.conf;"}
