#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_manage
short_description: Run a management command of a Django app
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Runs a management command of an app of role P(gatehouse.django.django_app#role) as the app's user, in the
    environment, the sandbox and the limits of its web processes, as C(/srv/<app>/manage) does.
  - The values of secret variables are replaced by C(********) in the output, and control characters are written as
    escapes.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: full
    details:
      - Reports that the command would run.
  diff_mode:
    support: none
options:
  app:
    description: The name of the app.
    type: str
    required: true
  command:
    description:
      - The management command with its arguments, like V(showmigrations --plan), quoted as in a shell. No shell runs
        it. Every user of the host can see it while it runs, so put secrets into O(environment).
    type: str
    required: true
  environment:
    description:
      - Variables for this command only, like C(DJANGO_SUPERUSER_PASSWORD). Their values are hidden in the output, and
        appear in no list of processes and no log of the host.
    type: dict
    default: {}
  release:
    description: The release to use instead of the one that is served.
    type: str
notes:
  - The command gets an empty standard input, so it cannot ask. Use options like C(--noinput).
  - Of each output, the module returns the last 4 MiB.
  - The result is always V(changed), because the module cannot know what a command changes.
seealso:
  - module: gatehouse.django.django_release
"""

EXAMPLES = r"""
- name: Show the migrations
  gatehouse.django.django_manage:
    app: shop
    command: showmigrations --plan
  register: migrations

- name: Create an administrator
  gatehouse.django.django_manage:
    app: shop
    command: createsuperuser --noinput --username admin --email admin@example.com
    environment:
      DJANGO_SUPERUSER_PASSWORD: "{{ vault_admin_password }}"
"""

RETURN = r"""
rc:
  description: The exit code of the command.
  returned: when the command ran
  type: int
stdout:
  description: Its standard output.
  returned: when the command ran
  type: str
stderr:
  description: Its standard error.
  returned: when the command ran
  type: str
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app import management
from ansible_collections.gatehouse.django.plugins.module_utils._app.installed import require
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded

ARGUMENT_SPEC: dict[str, object] = {
    "app": {"type": "str", "required": True},
    "command": {"type": "str", "required": True},
    "environment": {"type": "dict", "default": {}, "no_log": True},
    "release": {"type": "str"},
}


def main() -> None:
    """Run the command."""
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    os.umask(0o022)
    params = module.params
    attempt = Attempt(f"running a management command of the app {params['app']}", "The command may have run.")
    with explain_failures(module, attempt, (ReleaseError,)):
        words, app = management.words_of(params["command"]), require(params["app"])
        if module.check_mode:
            module.exit_json(changed=True, msg=f"{params['app']}: '{params['command']}' would run.")
        options = ["--release", params["release"]] if params["release"] else []
        environment = {name: str(value) for name, value in params["environment"].items()}
        code, out, err = management.run(run_bounded, app, [*options, *words], environment)
        answer = {"rc": code, "stdout": out, "stderr": err}
        if code:
            module.fail_json(f"{params['app']}: '{params['command']}' failed with exit code {code}.", **answer)
        module.exit_json(changed=True, **answer)


if __name__ == "__main__":
    main()
