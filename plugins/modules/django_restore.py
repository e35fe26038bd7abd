#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_restore
short_description: Restore a backup of a Django app
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Replaces the databases and files of an app of role P(gatehouse.django.django_app#role) by those of a backup that
    M(gatehouse.django.django_backup) has set up. Without O(confirm) it says what it would replace, and fails.
  - The backup is brought onto the host beside the live data while the app is served. Then the app is stopped, both are
    exchanged, and the app is started. If the app worked before and does not work with the backup, the exchange is
    undone.
  - What was live before is kept, and the result names it. It is for the operator to remove.
  - If the backup was made while another release was served, C(migrate) applies the migrations that it lacks.
  - A restore that was killed is finished or undone by the next one, which then does nothing else.
  - With O(into=scratch) it replaces nothing. It brings the backup beside the live data, into databases and a directory
    of their own, and says how to look into them. They belong to the user C(<app>-copy), which cannot connect to the
    live databases.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: full
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
  confirm:
    description: The name of the app, to confirm that its data are replaced. O(into=scratch) needs none.
    type: str
    default: ""
  into:
    description:
      - V(live) replaces the data of the app. V(scratch) restores beside them, in the place of an earlier copy.
    type: str
    choices: [live, scratch]
    default: live
  state:
    description: V(absent) removes the copy that O(into=scratch) has made.
    type: str
    choices: [present, absent]
    default: present
  plans:
    description:
      - Set by the playbook C(gatehouse.django.restore). If Gatehouse made the app's database on another host, return
        what its hosts have to do together to restore it, and change nothing.
    type: bool
    default: false
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
  - Databases of PostgreSQL are restored on the host's own server, if they belong to the role of the app's name. The
    playbook C(gatehouse.django.restore) also restores one that C(database) with C(host) made on another host.
seealso:
  - module: gatehouse.django.django_backup
"""

EXAMPLES = r"""
- name: Return to the files of yesterday
  gatehouse.django.django_restore:
    app: shop
    only: files
    at: "2026-11-25"
    confirm: shop

- name: Look into the data of yesterday beside those of today
  gatehouse.django.django_restore:
    app: shop
    at: "2026-11-25"
    into: scratch

- name: Remove them again
  gatehouse.django.django_restore:
    app: shop
    into: scratch
    state: absent
"""

RETURN = r"""
snapshot:
  description: The identifier of the snapshot.
  returned: success
  type: str
  sample: 1f0c8d2e
manifest:
  description: What the backup recorded of itself - time, release, revision, versions, and the rows of each table.
  returned: unless an interrupted restore was finished
  type: dict
finished:
  description: Whether an interrupted restore was finished, and nothing else was done.
  returned: success
  type: bool
is_backing_up:
  description: Whether this host makes the backups of the app.
  returned: with O(plans), when this host has backups
  type: bool
kept:
  description: Where the data are that were live before.
  returned: when something was restored
  type: list
  elements: str
  sample: [/srv/shop/before-restore-20261126T023000Z]
removal:
  description: The commands of root that remove what RV(kept) names, when it is no longer needed.
  returned: when something was restored
  type: list
  elements: str
  sample: [rm -r /srv/shop/before-restore-20261126T023000Z]
look:
  description: How root looks into the copy on the host.
  returned: with O(into=scratch)
  type: list
  elements: str
  sample:
    - "DATABASES['default']: runuser -u shop-copy -- psql shop-copy-restore"
    - "Files: /srv/shop/copies/restore/data"
server:
  description: The host in the inventory that has the app's database, if it is another one.
  returned: with O(plans), when it is another one and is to be restored
  type: str
  sample: db1.example.com
plan:
  description: What M(gatehouse.django.django_exchange) and M(gatehouse.django.postgresql_exchange) need to know.
  returned: with O(plans), when this host has backups
  type: dict
would:
  description: What the restore would replace; empty if it is confirmed.
  returned: with O(plans), when this host has backups
  type: str
refused:
  description: Why this host cannot restore a backup; another one of the app may.
  returned: with O(plans), when it cannot
  type: str
interrupted:
  description: The restore of this host that was killed.
  returned: with O(plans), after it was killed
  type: dict
phases:
  description:
    - The duration of each phase in seconds. The app is stopped from C(stop) to the end of C(start), and with
      O(into=scratch) never.
  returned: when something was restored
  type: dict
  sample: {fetch: 2.1, stop: 0.4, exchange: 0.0, start: 1.8}
"""

import contextlib
import os
import socket
from collections.abc import Collection
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app import interrupted_restore
from ansible_collections.gatehouse.django.plugins.module_utils._app.history import History
from ansible_collections.gatehouse.django.plugins.module_utils._app.installed import require
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import BEFORE_RESTORE, App
from ansible_collections.gatehouse.django.plugins.module_utils._app.progress import Progress
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import RUN
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, die_with_parent
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._backup import (
    choice,
    databases,
    far_plan,
    journal,
    postgresql,
    room,
)
from ansible_collections.gatehouse.django.plugins.module_utils._backup.beside import Beside, read_note
from ansible_collections.gatehouse.django.plugins.module_utils._backup.manifest import Manifest, StoredDatabase
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._backup.repository import Repository
from ansible_collections.gatehouse.django.plugins.module_utils._backup.restore import Restore
from ansible_collections.gatehouse.django.plugins.module_utils._core.disk_space import with_lack
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import (
    Attempt,
    explain_failures,
    printable,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import PostgresqlError

# Of the copy that stays until it is removed.
PURPOSE = "restore"
ARGUMENT_SPEC: dict[str, Any] = {
    "app": {"type": "str", "required": True},
    "only": {"type": "str", "choices": ["all", "database", "files"], "default": "all"},
    "at": {"type": "str", "default": "newest"},
    "confirm": {"type": "str", "default": ""},
    "into": {"type": "str", "choices": ["live", "scratch"], "default": "live"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "plans": {"type": "bool", "default": False},
    "run": RUN,
}


def unconfirmed(
    app: App, only: str, snapshot: choice.Snapshot, manifest: Manifest, confirm: str, far: Collection[str] = ()
) -> str:
    """Return what would be replaced and how to confirm it; an empty text if that was done.

    *far* are the aliases of the database on another host.
    """
    if confirm == app.name:
        return ""
    aliases = ", ".join(f"'{one['alias']}' ({one['vendor']})" for one in manifest["databases"])
    databases = [f"the databases {aliases}"] if aliases and only != "files" else []
    parts = [*databases, *([f"the files in {app.data}"] if only != "database" else [])]
    of = f"release {manifest['release']}" + (f" ({manifest['revision'][:12]})" if manifest["revision"] else "")
    where = "on the host of each" if far else "on the host"
    given = f"'{confirm}' was confirmed, but this is the app '{app.name}'. " if confirm else ""
    lines = [
        f"{given}Would replace {' and '.join(parts)} by those of snapshot {str(snapshot['id'])[:8]}.",
        f"It is of {choice.taken(snapshot):%Y-%m-%d %H:%M:%S} UTC, of host {manifest['host']}, when {of} was served.",
        *(str(text) for text in manifest["left_out"] if only != "files"),
        *(lost_rights(one, far) for one in manifest["databases"] if only != "files" and one.get("roles")),
        f"What was written since then would be gone from the app; it is kept aside {where}.",
        f"To do it, add -e confirm={app.name}. Nothing was changed.",
    ]
    return printable("\n".join(line for line in lines if line))


def lost_rights(database: StoredDatabase, far: Collection[str]) -> str:
    """Return which rights in a database cannot be restored; empty if all can."""
    if database["alias"] in far:
        named = ", ".join(f"'{name}'" for name in database["roles"])
        return f"Of the rights of {named} in DATABASES['{database['alias']}'], those of roles on its server are kept."
    missing = ", ".join(f"'{name}'" for name in postgresql.missing_roles(map(str, database["roles"])))
    if not missing:
        return ""
    return (
        f"The rights of {missing} in DATABASES['{database['alias']}'] would be left out, because PostgreSQL here has "
        "no such role. Make it first to keep them."
    )


def restore(module: AnsibleModule, app: App, progress: Progress) -> dict[str, object]:
    """Look, and restore if that is confirmed; return the module's answer."""
    params, place = module.params, Place(app)
    tools = Tools(die_with_parent(run_bounded), {}, enter=progress.enter)
    work = Restore(tools, Units(tools, app), place)
    history = History(app.name, params["run"]["by"])
    note = journal.read(place)
    if note and note.target:
        # The other command knows which release belongs to which data.
        interrupted_restore.check(app.name)
        interrupted_restore.check_none(app.name)
    if note and note.server:
        return interrupted_together(params, app, note)
    if note and params["confirm"] == app.name:
        if module.check_mode:
            return {"changed": True, "finished": True, "snapshot": ""}
        with locked(f"app-{app.name}"), locked(f"backup-{app.name}"):
            note = work.recover()
        if note:
            kept = {"kept": work.kept(note), "removal": work.removal(note)}
            return {"changed": True, "finished": True, "snapshot": note.snapshot, **kept}
    if params["only"] != "files" and far_plan.server_of(app):
        return restore_together(params, app)
    repository = Repository(place)
    snapshot = choice.choose_to_replace(repository.snapshots(), params["at"], socket.gethostname())
    manifest = choice.manifest(repository, snapshot, app.name)
    answer: dict[str, object] = {"changed": True, "finished": False, "snapshot": str(snapshot["id"])[:8]}
    answer["manifest"] = manifest
    if message := unconfirmed(app, params["only"], snapshot, manifest, params["confirm"]):
        if not module.check_mode:
            raise BackupError(message)
        module.warn(message)
    if not module.check_mode:
        with locked(f"app-{app.name}"), locked(f"backup-{app.name}"):
            interrupted_restore.check_none(app.name)
            with history.recorded("restore", app.current(), app.current()):
                note = work.run(repository, str(snapshot["id"]), manifest, params["only"])
        answer |= {"kept": work.kept(note), "removal": work.removal(note)}
        answer["phases"] = tools.phases
    return answer


def restore_together(params: dict[str, Any], app: App) -> dict[str, Any]:
    """Return what the hosts of an app do together whose database is on another host."""
    server = far_plan.server_of(app)
    check_playbook(params, app, server)
    answer: dict[str, Any] = {"changed": False, "finished": False, "server": server, "snapshot": ""}
    interrupted_restore.check(app.name)
    try:
        repository = Repository(Place(app))
        snapshot = choice.choose_to_replace(repository.snapshots(), params["at"], socket.gethostname())
    except BackupError as error:
        # Of several hosts, one makes the backups.
        return answer | {"refused": str(error), "is_backing_up": far_plan.is_backing_up(app)}
    manifest, identifier = choice.manifest(repository, snapshot, app.name), str(snapshot["id"])
    now, _versions, _left_out = databases.read(app)
    known = far_plan.aliases(app, now, app.release(app.current()))
    far = [one for one in manifest["databases"] if one["alias"] in known]
    if not far:
        raise BackupError(
            f"The backup has no database that is on {server} now. Restore the files only: -e only=files. Nothing was "
            "changed."
        )
    sizes = room.sizes(repository, identifier, ["/databases"])
    sizes = {path.rpartition("/")[2]: number for path, number in sizes.items()}
    given = {"snapshot": identifier[:8], "id": identifier, "only": params["only"]}
    plan = far_plan.make(app, BEFORE_RESTORE, far, sizes, release=str(manifest["release"]), target="", **given)
    would = unconfirmed(app, params["only"], snapshot, manifest, params["confirm"], known)
    return answer | {
        **{"changed": True, "snapshot": identifier[:8], "manifest": manifest, "plan": plan, "would": would},
        "is_backing_up": far_plan.is_backing_up(app),
    }


def interrupted_together(params: dict[str, object], app: App, note: journal.Journal) -> dict[str, object]:
    """Return what the hosts do to finish or undo a restore that was killed."""
    if params["confirm"] != app.name:
        interrupted_restore.check(app.name)
        interrupted_restore.check_none(app.name)
    check_playbook(params, app, note.server)
    return {
        **{"changed": True, "finished": False, "server": note.server, "snapshot": note.snapshot},
        "interrupted": far_plan.interrupted(app, note),
    }


def check_playbook(params: dict[str, object], app: App, server: str) -> None:
    """Raise BackupError unless the playbook runs the module."""
    if not params["plans"]:
        raise BackupError(
            f"The database is on {server}, and the playbook exchanges it there: `ansible-playbook "
            f"gatehouse.django.restore -e app={app.name}`. Nothing was changed."
        )


def restore_beside(module: AnsibleModule, app: App, progress: Progress) -> dict[str, object]:
    """Restore beside the live data, or remove that copy; return the module's answer."""
    params, place = module.params, Place(app)
    work = Beside(place, PURPOSE, enter=progress.enter)
    if params["state"] == "absent":
        found = read_note(work.note)
        if found and not module.check_mode:
            with locked(f"scratch-{app.name}"):
                work.remove()
        return {"changed": bool(found), "finished": False, "snapshot": found.get("snapshot", "")}
    repository = Repository(place)
    snapshot = choice.choose(repository.snapshots(), params["at"], socket.gethostname())
    manifest = choice.manifest(repository, snapshot, app.name)
    answer: dict[str, object] = {"changed": True, "finished": False, "snapshot": str(snapshot["id"])[:8]}
    answer |= {"manifest": manifest, "look": []}
    if not module.check_mode:
        with locked(f"scratch-{app.name}"):
            try:
                work.make(repository, str(snapshot["id"]), manifest, params["only"])
            except (BackupError, PostgresqlError, ReleaseError, OSError):
                # A part of a copy is of no use. The next run tries again to remove it.
                with contextlib.suppress(PostgresqlError, OSError):
                    work.remove()
                raise
        for text in (*work.left_out, *work.problems()):
            module.warn(printable(text))
        files = [] if params["only"] == "database" else [f"Files: {work.directory}/data"]
        answer |= {"look": [*work.look(), *files], "phases": work.seconds}
    return answer


def main() -> None:
    """Restore the backup."""
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    os.umask(0o022)
    name = module.params["app"]
    progress = Progress(name, module.params["run"]["id"])
    with explain_failures(
        module, Attempt(f"restoring the app {name}", "See `ansible-playbook gatehouse.django.status`.")
    ):
        try:
            if module.params["state"] == "absent" and module.params["into"] == "live":
                raise BackupError(
                    "state: 'absent' removes a copy, never live data: add into=scratch. Nothing was changed."
                )
            work = restore_beside if module.params["into"] == "scratch" else restore
            answer = work(module, require(name), progress)
        except (BackupError, PostgresqlError, ReleaseError, LockError, OSError) as error:
            module.fail_json(f"{name}: {printable(with_lack(error))}")
        finally:
            progress.end()
        module.exit_json(**answer)


if __name__ == "__main__":
    main()
