#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_info
short_description: Report the version, paths, processes and sites of nginx on a host
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Reads the version and build of the installed nginx (C(nginx -V)), its paths, its running processes, and the sites
    that M(gatehouse.django.nginx_config) manages. Changes nothing.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
  - gatehouse.django.attributes.read_only
options:
  listen:
    description:
      - More addresses of which RV(taken_ports) says whether another process has them, also while nginx runs. Each is a
        port, or an address and a port, as in O(gatehouse.django.nginx_config#module:sites[].listen); C(/udp) after it
        means the UDP port of HTTP/3.
      - M(gatehouse.django.check_sites) returns the addresses of sites.
    type: list
    elements: str
    default: []
seealso:
  - module: gatehouse.django.nginx_config
"""

EXAMPLES = r"""
- name: Look at nginx
  gatehouse.django.nginx_info:
  register: nginx

- name: Show its version and sites
  ansible.builtin.debug:
    msg: "nginx {{ nginx.version }} serves {{ nginx.sites | join(', ') }}"

- name: See which process has the ports of HTTPS
  gatehouse.django.nginx_info:
    listen: ['443', '[::]:443']
"""

RETURN = r"""
installed:
  description: Whether nginx is installed. If not, the values below are those of the distribution's package.
  returned: always
  type: bool
  sample: true
path:
  description: The path of the binary.
  returned: always
  type: str
  sample: /usr/sbin/nginx
version:
  description: nginx's version.
  returned: always
  type: str
  sample: 1.26.3
configure_arguments:
  description: The build's configure arguments.
  returned: always
  type: list
  elements: str
  sample: [--with-http_v2_module]
openssl_version:
  description: The version of OpenSSL that nginx runs with, null if unknown.
  returned: always
  type: str
  sample: 3.5.4
conf_path:
  description: The main configuration file.
  returned: always
  type: str
  sample: /etc/nginx/nginx.conf
conf_dir:
  description: The directory of the main configuration file.
  returned: always
  type: str
  sample: /etc/nginx
pid_path:
  description: The file that holds the master's process id.
  returned: always
  type: str
  sample: /run/nginx.pid
error_log_path:
  description: The main error log.
  returned: always
  type: str
  sample: /var/log/nginx/error.log
user:
  description: The user that worker processes run as.
  returned: always
  type: str
  sample: www-data
gzip_static:
  description: Whether the build can send precompressed files.
  returned: always
  type: bool
  sample: true
brotli_static:
  description: Whether nginx loads C(ngx_http_brotli_static_module), which sends files that were compressed with brotli.
  returned: always
  type: bool
  sample: false
ipv6:
  description: Whether the host has IPv6.
  returned: always
  type: bool
  sample: true
open_files:
  description: How many files each worker process of nginx can have open on the host.
  returned: always
  type: int
  sample: 524288
somaxconn:
  description: The longest queue of new connections that the kernel keeps for a socket (C(net.core.somaxconn)).
  returned: always
  type: int
  sample: 4096
taken_ports:
  description:
    - A sentence for each address that nginx listens on when it starts, and that another process has. It names the
      process and a remedy.
    - While nginx.service runs, the addresses are only those of O(listen). Where nginx is not installed, they are also
      those of the distribution's site.
  returned: always
  type: list
  elements: str
  sample:
    - nginx needs port 80, but apache2 (process 766, apache2.service) listens on it. Stop it for good with 'systemctl
      disable --now apache2.service', or give it another port.
master_pid:
  description: The process id of the running master, null where nginx does not run.
  returned: always
  type: int
  sample: 812
worker_pids:
  description: The worker processes that take new connections.
  returned: always
  type: list
  elements: int
  sample: [813, 814]
generation:
  description: The number of the live generation, 0 where there is none.
  returned: always
  type: int
  sample: 12
generations:
  description:
    - The configurations that are kept, oldest first. M(gatehouse.django.nginx_config) can return to each of them.
    - C(live) marks the one that nginx's configuration includes, C(applied) the one that the running nginx has read.
      They differ only after a run was killed. If nginx is not running, none is C(applied). C(created) is in UTC.
    - C(problem) says why a generation cannot be restored, because its C(state.json) cannot be read. Its
      C(owns_nginx_conf) is null then, and its C(sites) are empty.
  returned: always
  type: list
  elements: dict
  sample:
    - number: 12
      live: true
      applied: true
      created: '2026-11-22T10:47:17Z'
      owns_nginx_conf: true
      sites: [shop]
      problem: null
owns_nginx_conf:
  description: Whether Gatehouse manages C(nginx.conf).
  returned: always
  type: bool
  sample: true
sites:
  description: The sites of the live generation, by name, with their server names and addresses.
  returned: always
  type: dict
  sample: {shop: {listen: ['80'], server_name: [shop.example.com]}}
"""

from datetime import UTC, datetime
from typing import TypedDict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import facts, generation, ports
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import NginxFacts
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.reload import applied_generation
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import listen_address


class GenerationInfo(TypedDict):
    """An element of the result ``generations``."""

    number: int
    live: bool
    applied: bool
    created: str
    owns_nginx_conf: bool | None
    sites: list[str]
    problem: str | None


def describe_generations(conf_dir: str, live: int, served: int) -> list[GenerationInfo]:
    """Describe each generation; *live* is the one that the link names, *served* the one that nginx has read."""
    found: list[GenerationInfo] = []
    for number in generation.numbers(conf_dir):
        problem = generation.problem(conf_dir, number)
        owns_nginx_conf, sites = (None, {}) if problem else generation.read_record(conf_dir, number)
        created = generation.directory(conf_dir, number).stat().st_mtime
        found.append(
            {
                "number": number,
                "live": number == live,
                "applied": number == served,
                "created": datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "owns_nginx_conf": owns_nginx_conf,
                "sites": list(sites),
                "problem": problem,
            }
        )
    return found


def _taken_ports(
    run: Run, host: NginxFacts, live: generation.Generation, master: int | None, asked: list[ports.Address]
) -> list[str]:
    if not (master and ports.is_of_unit(master)):
        # An nginx.conf of the operator may listen on other ports.
        has_default = bool(live.owns_nginx_conf) or not host["installed"]
        asked = [*asked, *ports.wanted(live.sites.values(), has_default=has_default)]
    if not host["installed"] and host["ipv6"]:
        asked = [*asked, ports.Address.parse("[::]:80")]
    return ports.taken(run, asked, master)


def _addresses(module: AnsibleModule) -> list[ports.Address]:
    found = []
    for given in module.params["listen"]:
        listen = given.removesuffix("/udp")
        try:
            found.append(ports.Address.parse(listen_address(listen), is_udp=listen != given))
        except ValueError as error:
            module.fail_json(msg=f"listen '{given}' {error}. Nothing was changed.")
    return found


def main() -> None:
    """Collect the facts."""
    spec = {"listen": {"type": "list", "elements": "str", "default": []}}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    attempt = Attempt("looking at nginx on this host")
    with explain_failures(module, attempt):
        _collect(module, attempt)


def _collect(module: AnsibleModule, attempt: Attempt) -> None:
    binary = facts.nginx_program(module.get_bin_path)
    host = facts.describe(module.run_command, binary)
    master = facts.master_pid(module.run_command, host["pid_path"])
    attempt.doing = f"reading the generations in {generation.root(host['conf_dir'])}"
    number = generation.live_number(host["conf_dir"])
    served = applied_generation(host["conf_dir"], master) if master else 0
    listed = describe_generations(host["conf_dir"], number, served)
    readable = number and not generation.problem(host["conf_dir"], number)
    live = generation.Generation()
    if readable:
        # Its files may contain passwords, which a user without root's rights cannot read.
        owns_nginx_conf, sites = generation.read_record(host["conf_dir"], number)
        live = generation.Generation(number, {}, owns_nginx_conf, sites)
    module.exit_json(
        changed=False,
        taken_ports=_taken_ports(module.run_command, host, live, master, _addresses(module)),
        master_pid=master,
        worker_pids=sorted(facts.worker_pids(master)) if master else [],
        generation=number,
        generations=listed,
        owns_nginx_conf=bool(live.owns_nginx_conf),
        sites=live.sites,
        **host,
    )


if __name__ == "__main__":
    main()
