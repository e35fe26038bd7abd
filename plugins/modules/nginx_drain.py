#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_drain
short_description: Have a balancer send no requests to some of its hosts, or use them again
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Marks servers as C(down) in all upstreams of the sites that M(gatehouse.django.nginx_config) has published on this
    host and that pass requests to groups of hosts. The change is a transaction of nginx's configuration, as those of
    that module. nginx finishes the requests that are running.
  - Servers stay drained when sites are published, and when an earlier generation is restored, until this module ends
    it.
  - Refuses to drain servers if a site would have none left whose app answers, for a site without an app none that
    accepts connections, and to use one again that accepts none.
  - Playbook C(gatehouse.django.drain) uses it.
options:
  servers:
    description: The servers, each an address with its port, as in C(upstreams) of M(gatehouse.django.nginx_config).
    type: list
    elements: str
    required: true
  state:
    description: Whether the servers get no requests, V(drained), or are used, V(served).
    type: str
    choices: [drained, served]
    default: drained
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
seealso:
  - module: gatehouse.django.django_drain
  - module: gatehouse.django.nginx_config
"""

EXAMPLES = r"""
- name: Send no requests to a web host
  gatehouse.django.nginx_drain:
    servers: ["10.0.0.12:80"]
  delegate_to: lb1.example.com
"""

RETURN = r"""
drained:
  description: All servers of the balancer that get no requests after the run.
  returned: success
  type: list
  elements: str
  sample: ["10.0.0.12:80"]
expected:
  description: By app, the releases that the balancer expects, with C(+) between them, V(any) for each one.
  returned: success
  type: dict
  sample: {shop: 1f0c8d2e4b6a-90ab12cd}
generation:
  description: The number of the live generation.
  returned: success
  type: int
reloaded:
  description: Whether nginx was reloaded.
  returned: success
  type: bool
validated:
  description: How the new configuration was validated, as M(gatehouse.django.nginx_config) returns it.
  returned: if nginx is installed
  type: str
  sample: isolated
"""

import os
import time
from collections.abc import Collection

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import EXPECTED_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import web_hosts
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import config_tree, drained, generation
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.authorities import trusted
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import describe, nginx_program
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.host_state import state_with
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.include_hook import NoInclude
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Refused, plan_from
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.transaction import apply
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.upstream_tls import accepts, refusal

BOOT_SECONDS = 30.0
POLL_SECONDS = 0.5


def refuse_last(main: Directive, live: generation.Generation, before: Collection[str], after: Collection[str]) -> None:
    """Raise Refused if an upstream that loses a server has none left that answers. *main* is nginx's configuration."""
    was = drained.live_servers(live.files, before)
    for name, left in drained.live_servers(live.files, after).items():
        if left == was[name]:
            continue
        page = web_hosts.page_of_group(main, name)
        if not any(web_hosts.ask(page, server).is_of_app if page else accepts(server) for server in left):
            site = name.removeprefix("gatehouse_").partition(".")[0]
            how = f"answers a request for '{page.path}' itself" if page else "accepts connections"
            others = f"of the others, {', '.join(left)}, none {how}" if left else "it has no other one"
            away = [server for server in drained.live_servers(live.files, ())[name] if server not in was[name]]
            if away:
                others += f" that is not drained ({', '.join(away)}: bring it back first, with -e back=true)"
            raise Refused(
                f"site '{site}' would have no web host: its requests go to {', '.join(was[name])} now, and "
                f"{others}. Nothing was changed."
            )


def refuse_dead(servers: Collection[str], live: generation.Generation) -> None:
    """Raise Refused if one of the *servers* does not accept connections, or not with TLS where nginx uses it.

    After a boot, the network may need a moment longer than the host.
    """
    deadline = time.monotonic() + BOOT_SECONDS
    while dead := [server for server in sorted(servers) if not is_ready(server, live)]:
        if time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            continue
        raise Refused(
            f"{', '.join(dead)} accepts no connection of this balancer, so it stays drained. Start nginx there, or let "
            "all hosts exchange certificates: `ansible-playbook gatehouse.django.site`. Nothing was changed."
        )


def is_ready(server: str, live: generation.Generation) -> bool:
    """Return whether *server* accepts a connection, with TLS where nginx uses it."""
    return not refusal(server, live.files) if trusted(server, live.files) else accepts(server)


def expected(directory: str = EXPECTED_DIRECTORY) -> dict[str, str]:
    """Return the release that is expected of each app."""
    try:
        links = [entry for entry in os.scandir(directory) if entry.is_symlink()]
    except FileNotFoundError:
        return {}
    return {entry.name: os.path.basename(os.readlink(entry.path)) for entry in links}


def change(module: AnsibleModule) -> None:
    """Change the upstreams, and end the run."""
    binary = nginx_program(module.get_bin_path)
    if binary is None:
        # It is no balancer yet.
        module.exit_json(changed=False, drained=[], expected={}, generation=0, reloaded=False)
    host, asked = describe(module.run_command, binary), set(module.params["servers"])
    with locked("nginx"):
        live = generation.read_base(host["conf_dir"])
        if not live.number:
            module.exit_json(changed=False, drained=[], expected=expected(), generation=0, reloaded=False)
        before = drained.drained(live.files)
        known = {server for group in drained.live_servers(live.files, ()).values() for server in group}
        after = before | (asked & known) if module.params["state"] == "drained" else before - asked
        refuse_last(config_tree.read(host["conf_path"]), live, before, after)
        refuse_dead(before - after, live)
        files = drained.with_drained(live.files, after)
        candidate = generation.Generation(live.number, files, live.owns_nginx_conf, live.sites)
        plan = plan_from(host["conf_dir"], live, state_with(host, candidate))
        result = apply(module.run_command, host, plan, check_mode=module.check_mode)
    for warning in plan.warnings:
        module.warn(warning)
    diff = plan.diff(f"{host['conf_dir']}/gatehouse/live")
    module.exit_json(diff=diff, drained=sorted(after), expected=expected(), **result)


def main() -> None:
    """Drain the servers, or end it."""
    spec = {
        "servers": {"type": "list", "elements": "str", "required": True},
        "state": {"type": "str", "choices": ["drained", "served"], "default": "drained"},
    }
    module = AnsibleModule(spec, supports_check_mode=True)
    os.umask(0o022)
    attempt = Attempt("changing which hosts get requests", "Run it again.")
    with explain_failures(module, attempt, (Refused, LockError, NoInclude)):
        change(module)


if __name__ == "__main__":
    main()
