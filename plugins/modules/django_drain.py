#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_drain
short_description: Drain a web host that balancers do not ask any more, or bring it back
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Waits until the requests of the balancers and the jobs of timers end, then stops all processes and timers of all
    apps of the host. The releases go on answering.
  - The host remembers that it is drained. Processes and timers do not start when it boots, and deployments start none.
  - With V(served), checks the health of the releases, starts processes and timers, and ends it. If a release is not
    healthy or a process does not keep running, the host stays drained.
  - It does not change the balancers - M(gatehouse.django.nginx_drain) does. Playbook C(gatehouse.django.drain) uses
    both.
options:
  state:
    description: Whether the host is drained or serves.
    type: str
    choices: [drained, served]
    default: drained
  balancers:
    description: The addresses from which the balancers ask this host.
    type: list
    elements: str
    default: []
  wait:
    description: How long it waits for requests and jobs, in seconds. Jobs that still run then are stopped.
    type: int
    default: 60
  runs_once:
    description:
      - With O(state=served), the apps whose processes and timers with C(run_on=one) this host runs from now on. Name
        only apps that no other host runs them of.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
seealso:
  - module: gatehouse.django.nginx_drain
  - module: gatehouse.django.django_runs_once
"""

EXAMPLES = r"""
- name: Drain the host
  gatehouse.django.django_drain:
    balancers: [10.0.0.10]
"""

RETURN = r"""
units:
  description: The processes, timers and jobs that were stopped or started.
  returned: success
  type: list
  elements: str
  sample: [shop-worker.service]
running:
  description: The requests and jobs that had not ended when the time was over, one sentence each.
  returned: with O(state=drained)
  type: list
  elements: str
  sample: ["a page that the app has not answered for 61 s (balancer 10.0.0.10)"]
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app import drain, drained
from ansible_collections.gatehouse.django.plugins.module_utils._app.installed import installed
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError


def main() -> None:
    """Drain the host, or bring it back."""
    spec: dict[str, object] = {
        "state": {"type": "str", "choices": ["drained", "served"], "default": "drained"},
        "balancers": {"type": "list", "elements": "str", "default": []},
        "wait": {"type": "int", "default": 60},
        "runs_once": {"type": "list", "elements": "str", "default": []},
    }
    module = AnsibleModule(spec, supports_check_mode=True)
    params, tools = module.params, Tools(module.run_command, {})
    host = drain.Host(tools, [App(name) for name in installed()])
    attempt = Attempt(f"changing the host to '{params['state']}'", "Run it again.")
    with explain_failures(module, attempt, (ReleaseError, LockError)):
        answer: dict[str, object] = {"changed": False}
        if params["state"] == "drained":
            answer |= {"units": host.up(), "running": []}
            answer["changed"] = bool(answer["units"] or host.once_here()) or not drained.is_drained()
            if not module.check_mode:
                # A run before may have been killed while it waited.
                run = drain.begin if answer["changed"] else drain.wait
                answer["running"] = run(tools, host, params["balancers"], params["wait"])
        elif drained.is_drained():
            answer |= {"units": host.down(), "changed": True}
            if not module.check_mode:
                drain.end(host, params["runs_once"])
        module.exit_json(**{"units": [], **answer})


if __name__ == "__main__":
    main()
