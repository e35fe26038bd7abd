#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_recovery
short_description: Bring the data of a lost Django app onto a new host
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Restores a backup of M(gatehouse.django.django_backup) before the first release of the app, as after the loss of a
    host. The playbook C(gatehouse.django.restore) has role P(gatehouse.django.django_app#role) call it before
    it deploys the app, so that the release starts with the data.
  - Brings the databases and the files, the record of the app's changes, certbot's certificates of the app's sites, and
    its accounts at certificate authorities.
  - Nothing of the host is replaced. It fails if the app is served, if its C(data) has files, or if its database has
    tables. Certificates and accounts that the host has stay.
  - A run that was killed is finished by the next one. A run after one that succeeded changes nothing, until
    the app has made a backup on the host.
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
    support: none
options:
  app:
    description: The name of the app.
    type: str
    required: true
  only:
    description: What to restore. V(files) are the files in C(data) without the databases.
    type: str
    choices: [all, database, files]
    default: all
  at:
    description:
      - V(newest), the identifier of a snapshot, or a time in UTC like V(2026-11-26 02:30) for the last backup before
        it. A day means its end.
    type: str
    default: newest
  media_group:
    description: The group of the web server, which can read the uploads.
    type: str
    default: www-data
  run:
    description: Set by the action plugin. Leave it out.
    type: dict
    suboptions:
      id:
        description: Identifies the run in the file with its phases.
        type: str
        default: ""
      by:
        description: The user of the controller, for the history.
        type: str
        default: ""
notes:
  - Databases of PostgreSQL are restored on the host's own server, if they belong to the role of the app's name. One on
    another host is not lost with this one, and stays as it is.
seealso:
  - module: gatehouse.django.django_backup
  - module: gatehouse.django.django_restore
"""

EXAMPLES = r"""
- name: Bring the data of the shop onto a new host
  gatehouse.django.django_recovery:
    app: shop
    backup:
      to: sftp:backup@nas.example.com:/srv/shop
      password: "{{ vault_shop_backup_password }}"
"""

RETURN = r"""
snapshot:
  description: The identifier of the snapshot, empty in check mode.
  returned: success
  type: str
  sample: 1f0c8d2e
revision:
  description: The revision of the source that was served at the time of the backup, empty if it is not known.
  returned: success
  type: str
said:
  description: What was restored and what was not, in sentences.
  returned: success
  type: list
  elements: str
phases:
  description: The seconds of each phase.
  returned: when something was restored
  type: dict
"""

import os
import socket
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts, backup_record, directories
from ansible_collections.gatehouse.django.plugins.module_utils._app.backup_spec import BACKUP_SPEC, BackupOptions
from ansible_collections.gatehouse.django.plugins.module_utils._app.history import History
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.progress import Progress
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import RUN
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, die_with_parent
from ansible_collections.gatehouse.django.plugins.module_utils._backup import choice
from ansible_collections.gatehouse.django.plugins.module_utils._backup.first_data import FirstData
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._backup.repository import Repository
from ansible_collections.gatehouse.django.plugins.module_utils._backup.setup import Setup
from ansible_collections.gatehouse.django.plugins.module_utils._core.disk_space import with_lack
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import (
    Attempt,
    explain_failures,
    printable,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import secrets_of, without_tokens
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError

ARGUMENT_SPEC: dict[str, Any] = {
    "app": {"type": "str", "required": True},
    "backup": BACKUP_SPEC,
    "only": {"type": "str", "choices": ["all", "database", "files"], "default": "all"},
    "at": {"type": "str", "default": "newest"},
    "media_group": {"type": "str", "default": "www-data"},
    "run": RUN,
}


def recover(module: AnsibleModule, app: App, progress: Progress) -> dict[str, object]:
    """Restore the app before its first release; return the module's answer."""
    params, place = module.params, Place(app)
    options: BackupOptions = params["backup"]
    options["keep"] = options["keep"] or {}
    shown = without_tokens(options["to"]) or str(place.local)
    tools = Tools(die_with_parent(run_bounded), {}, enter=progress.enter)
    work = FirstData(tools, place)
    if app.current():
        if found := work.found():
            return answer_of(app, found, changed=False)
        raise BackupError(
            f"The host serves release {app.current()} of the app: `ansible-playbook gatehouse.django.restore -e "
            f"app={app.name}` says what a restore would replace. Nothing was changed."
        )
    accounts.check(app)
    directories.check(app, params["media_group"])
    if module.check_mode:
        if found := work.found():
            return answer_of(app, found, changed=False)
        which = "newest backup" if params["at"] == "newest" else f"backup of {params['at']}"
        said = printable(f"The data of the {which} at {shown} would be in place.")
        return {"changed": True, "snapshot": "", "revision": "", "said": [said]}
    with locked(f"app-{app.name}"):
        history = History(app.name, params["run"]["by"])
        with locked(f"backup-{app.name}"):
            is_finished = work.is_to_be_finished
            if is_finished:
                with history.recorded("restore", "", "") as event:
                    event["note"] = "the end of one that was killed"
                    work.recover()
            else:
                work.recover()
            found = work.found()
        if found:
            return answer_of(app, found, changed=is_finished)
        Setup(place, module.run_command).open_existing(options)
        repository = Repository(place)
        snapshot = choice.choose_to_replace(repository.snapshots(), params["at"], socket.gethostname())
        manifest = choice.manifest(repository, snapshot, app.name)
        with locked(f"backup-{app.name}"):
            work.bring_history(repository, str(snapshot["id"]))
            with history.recorded("restore", "", "") as event:
                event["note"] = f"snapshot {str(snapshot['id'])[:8]} of host {manifest['host']}, on a host without data"
                found = work.run(repository, str(snapshot["id"]), manifest, params["only"], params["media_group"])
    return answer_of(app, found, changed=True) | {"phases": tools.phases}


def answer_of(app: App, found: dict[str, Any], *, changed: bool) -> dict[str, Any]:
    """Return what was restored, and how old it is."""
    minutes = backup_record.seconds_since(found["time"]) / 60
    units = ((2880, 1440, "days"), (120, 60, "hours"), (0, 1, "minutes"))
    age = next((f"{minutes / size:.0f} {name}" for least, size, name in units if minutes >= least), "0 minutes")
    revision = f" ({found['revision'][:12]})" if found["revision"] else ""
    parts = [f"databases {', '.join(found['databases'])}"] if found["databases"] else []
    parts += [f"files in {app.data}"] if found["has_files"] else []
    parts += [f"certificates {', '.join(found['certificates'])}"] if found["certificates"] else []
    parts += [f"ACME account at {', '.join(found['accounts'])}"] if found["accounts"] else []
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.strptime(found["time"], backup_record.TIME))
    said = [
        f"The data are of snapshot {found['snapshot']}, made {moment} UTC, {age} ago, on host {found['host']}, which "
        f"served release {found['release']}{revision}.",
        f"Restored: {'; '.join(parts) or 'nothing'}.",
    ]
    if found["kept_certificates"]:
        said.append(f"Certificates that the host has already, and keeps: {', '.join(found['kept_certificates'])}.")
    said += [f"Not restored: {text}" for text in found["left_out"]]
    return {
        "changed": changed,
        "snapshot": found["snapshot"],
        "revision": found["revision"],
        "said": [printable(text) for text in said],
    }


def main() -> None:
    """Restore the app before its first release."""
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    os.umask(0o022)
    name, options = module.params["app"], module.params["backup"] or {}
    progress = Progress(name, "" if module.check_mode else module.params["run"]["id"])
    with explain_failures(module, Attempt(f"restoring the app {name}", "Run the same command again.")):
        try:
            if not options.get("password"):
                raise BackupError("backup: password is missing: set 'backup' in the app's entry. Nothing was changed.")
            module.no_log_values.update(
                secrets_of({"to": options["to"]}) if options["to"] != without_tokens(options["to"]) else []
            )
            answer = recover(module, App(name), progress)
        except (BackupError, PostgresqlError, ReleaseError, LockError, OSError) as error:
            module.fail_json(f"{name}: {printable(with_lack(error))}")
        finally:
            progress.end()
        module.exit_json(**answer)


if __name__ == "__main__":
    main()
