#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_backup
short_description: Back up a Django app each day
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Sets up the daily backup of an app of role P(gatehouse.django.django_app#role). A timer of the host makes it with
    restic, without Ansible - one snapshot of the databases that the project's settings name, of the app's C(data), and
    of which release was served. Then it removes old backups and reads a part of the repository again.
  - Another timer makes drills - it restores the last backup beside the live data, and records whether that worked.
  - Opens the repository, or makes it, so that a wrong target or password is found at once. Only then it replaces the
    options of a backup that is made already, so that this one goes on after a failure. Starts the first backup of
    a new repository. A repository that has backups already, as after the loss of a host, waits for the timer, so that
    its newest backup is still the one to restore.
  - PostgreSQL and SQLite are dumped. The backup of an app with a database of another kind says that it lacks it.
  - restic, version 0.14 or later, must be installed.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
  - gatehouse.django.backup
attributes:
  check_mode:
    support: full
    details:
      - Does not open the repository.
  diff_mode:
    support: full
options:
  app:
    description: The name of the app.
    type: str
    required: true
  state:
    description:
      - V(absent) ends the backups. The repository, and the options and the password on the host, stay for a restore.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: gatehouse.django.django_restore
  - module: gatehouse.django.django_status
"""

EXAMPLES = r"""
- name: Back an app up to another host
  gatehouse.django.django_backup:
    app: shop
    backup:
      to: sftp:backup@nas.example.com:/srv/shop
      password: "{{ vault_shop_backup_password }}"
"""

RETURN = r"""
repository:
  description: Where the backups are, without a password.
  returned: when the state is present
  type: str
  sample: /var/backups/gatehouse/shop
created:
  description: Whether the repository was made.
  returned: when the repository was opened
  type: bool
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts
from ansible_collections.gatehouse.django.plugins.module_utils._app.backup_spec import BACKUP_SPEC, KEEP, BackupOptions
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._backup.setup import Setup
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import secrets_of, without_tokens
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError

ARGUMENT_SPEC: dict[str, object] = {
    "app": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "backup": BACKUP_SPEC,
}
ABROAD = (
    "{app}: backup: the backups can be read only with their password, and a host that is lost takes its copy with it. "
    "Keep one outside of this host and of the inventory, and set 'password_kept: true'."
)


def main() -> None:
    """Set the backup up, or end it."""
    module = AnsibleModule(ARGUMENT_SPEC, required_if=[("state", "present", ("backup",))], supports_check_mode=True)
    os.umask(0o022)
    app = App(module.params["app"])
    state = "The app is served as before. Its backup is not complete: correct the option and run this again."
    errors = (BackupError, LockError, PostgresqlError)
    with explain_failures(module, Attempt(f"setting up the backup of {app.name}", state), errors):
        try:
            accounts.check(app, is_needed=False)
        except ReleaseError as error:
            raise BackupError(str(error)) from error
        setup = Setup(Place(app), module.run_command)
        if module.params["state"] == "absent":
            module.exit_json(changed=setup.end(check_mode=module.check_mode))
        options: BackupOptions = module.params["backup"]
        if not options.get("password"):
            raise BackupError("backup: password is missing. Nothing was changed.")
        if options["keep"] is None:
            options["keep"] = KEEP
        module.no_log_values.update(
            secrets_of({"to": options["to"]}) if options["to"] != without_tokens(options["to"]) else []
        )
        if not options["password_kept"]:
            module.warn(ABROAD.format(app=app.name))
        answer = setup.begin(options, check_mode=module.check_mode)
        module.exit_json(**answer)


if __name__ == "__main__":
    main()
