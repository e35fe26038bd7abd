#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_rollback
short_description: Put an earlier release of a Django app back into service
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Starts a release that was served before and still exists, waits for its health check, and switches to it, with the
    same steps and guarantees as M(gatehouse.django.django_release).
  - Restores code, static files, environment, secrets, units and processes. The database stays as it is, unless
    O(restore_database) is set.
  - The next deployment puts the release of the inventory into service again.
  - The rollback is recorded on the host, also one that failed. M(gatehouse.django.django_status) returns the record.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  app:
    description: Name of the app.
    type: str
    required: true
  release:
    description:
      - The identifier of the release to return to, its part before the dash, which hosts with different versions of
        Python have in common, or V(previous) for the release that was served before the current one. Two runs with
        V(previous) return to the current release.
      - The part before the dash is refused if several releases have it, because only their configuration differs.
    type: str
    default: previous
  ignore_migrations:
    description:
      - Return even if the target predates migrations of the current release, so that older code uses a newer database.
    type: bool
    default: false
  restore_database:
    description:
      - Take the databases back, too, to the snapshot that M(gatehouse.django.django_release) made before it migrated
        them. Without O(confirm) the module says which writes since then would be lost, as far as the database has
        counted them, and fails.
      - The snapshot is loaded beside the live databases while the app is served. Then the app is stopped, both are
        exchanged, and the app is started with the earlier release. If that fails, the release and the databases of
        before are live again. A rollback that was killed is finished or undone by the next one, which then does nothing
        else.
      - The databases that were live are kept aside, and the result names them.
      - With O(release=previous), the release that is served stays if the last deployment failed after it had begun to
        migrate, or was rolled back without the databases.
    type: bool
    default: false
  snapshot:
    description: With O(restore_database), the name of the snapshot, or V(newest) for the newest one of the release.
    type: str
    default: newest
  confirm:
    description: With O(restore_database), the name of the app, to confirm that its databases are taken back.
    type: str
    default: ""
  plans:
    description:
      - Set by the playbook C(gatehouse.django.rollback). With O(restore_database), if Gatehouse made the app's database
        on another host, return what its hosts have to do together, and change nothing.
    type: bool
    default: false
  step:
    description:
      - Only one step of a rollback of several hosts - V(start) starts the release beside the one that is served and
        checks its health, V(switch) then puts it into service, V(cancel) ends it. Playbook C(gatehouse.django.rollback)
        has each step end on all hosts before the next one begins.
    type: str
    choices: [all, start, switch, cancel]
    default: all
  candidate:
    description:
      - With O(step=cancel), what RV(candidate) was before the first step. The time when the release was served last is
        set back, so that the next O(release=previous) is the same on all hosts.
    type: dict
    default: {}
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
seealso:
  - module: gatehouse.django.django_release
  - module: gatehouse.django.django_status
"""

EXAMPLES = r"""
- name: Return to the previous release
  gatehouse.django.django_rollback:
    app: shop

- name: Return to the release before the last migrations, with its database
  gatehouse.django.django_rollback:
    app: shop
    restore_database: true
    confirm: shop

- name: Return to a specific release
  gatehouse.django.django_rollback:
    app: shop
    release: 1f0c8d2e4b6a-90ab12cd
"""

RETURN = r"""
release:
  description: The target of the rollback.
  returned: success
  type: str
  sample: 1f0c8d2e4b6a-90ab12cd
revision:
  description: The revision of its source.
  returned: unless O(restore_database)
  type: str
configuration:
  description:
    - A digest of all that makes the release except its source and its Python. Empty if it is not known, for releases of
      earlier versions of the collection.
  returned: unless O(restore_database)
  type: str
served:
  description: The release that was served before the run, C(release), and its C(configuration).
  returned: unless O(restore_database)
  type: dict
  sample: {release: 5a7b0c1d2e3f-12cd34ef, configuration: 8d51f0a2c93e}
app:
  description: The name of the app.
  returned: success
  type: str
  sample: shop
step:
  description: The step that was run.
  returned: success
  type: str
  sample: all
candidate:
  description:
    - The identifier of the release, C(id), that the next step puts into service, and when it was served last,
      C(last_served), in seconds since 1970.
  returned: unless O(restore_database)
  type: dict
current:
  description: The release that is served.
  returned: success
  type: str
  sample: 1f0c8d2e4b6a-90ab12cd
before:
  description: The release that was served before the run.
  returned: success
  type: str
  sample: 5a7b0c1d2e3f-12cd34ef
migrations:
  description: Migrations of the release that was served before which the target predates.
  returned: success
  type: list
  elements: str
  sample: [shop.0004_discount]
kept:
  description: Where the databases are that were live before, each with the command that removes it.
  returned: with O(restore_database), when something was changed
  type: list
  elements: str
  sample: ["/srv/shop/before-rollback-20261126T180102Z (remove it: rm -r /srv/shop/before-rollback-20261126T180102Z)"]
snapshot:
  description: The snapshot that the databases were taken back to.
  returned: with O(restore_database)
  type: str
  sample: 20261126T180102Z
finished:
  description: Whether an interrupted rollback was finished, and nothing else was done.
  returned: with O(restore_database)
  type: bool
server:
  description: The host in the inventory that has the app's database, if it is another one.
  returned: with O(plans), when it is another one
  type: str
  sample: db1.example.com
plan:
  description: What M(gatehouse.django.django_exchange) and M(gatehouse.django.postgresql_exchange) need to know.
  returned: with O(plans), when this host has the snapshot
  type: dict
would:
  description: What the rollback would do and lose; empty if it is confirmed.
  returned: with O(plans), when this host has the snapshot
  type: str
refused:
  description: Why this host cannot take the database back, without a snapshot for example; another one of the app may.
  returned: with O(plans), when it cannot
  type: str
interrupted:
  description: The rollback of this host that was killed.
  returned: with O(plans), after it was killed
  type: dict
pages:
  description:
    - What is wrong with the first page, one sentence for each problem, as M(gatehouse.django.django_release) returns
      it. A problem is a warning and no failure.
  returned: when the run changed something
  type: list
  elements: str
phases:
  description: The duration of each phase in seconds. After a failure, the last phase is the one that failed.
  returned: when the run changed something or tried to
  type: dict
  sample: {start: 0.6, health: 0.3, steady: 2.0, switch: 0.0, processes: 0.0, drain: 0.8, pages: 0.3}
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts, interrupted_restore, lost_python
from ansible_collections.gatehouse.django.plugins.module_utils._app.activation import Switch
from ansible_collections.gatehouse.django.plugins.module_utils._app.history import History
from ansible_collections.gatehouse.django.plugins.module_utils._app.in_service import (
    clean_up_interrupted_run,
    in_service,
    retire,
    stray_units,
)
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import BEFORE_ROLLBACK, App
from ansible_collections.gatehouse.django.plugins.module_utils._app.progress import Progress
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import RUN
from ansible_collections.gatehouse.django.plugins.module_utils._app.store import restore_mark
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, die_with_parent
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._backup.place import BackupError, Place
from ansible_collections.gatehouse.django.plugins.module_utils._core.disk_space import with_lack
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import (
    Attempt,
    explain_failures,
    printable,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.redaction import redact, secrets_of
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.systemd import environment
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import first_page
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import nginx_program

if TYPE_CHECKING:
    from ansible_collections.gatehouse.django.plugins.module_utils._backup.journal import Journal
    from ansible_collections.gatehouse.django.plugins.module_utils._backup.way_back import WayBack

# The number of releases in a message.
SHOWN_RELEASES = 10
# What each step does.
SWITCH = {"all": "run", "start": "offer", "switch": "resume", "cancel": "cancel"}
PREVIOUS = "previous"
ARGUMENT_SPEC: dict[str, object] = {
    "app": {"type": "str", "required": True},
    "release": {"type": "str", "default": "previous"},
    "ignore_migrations": {"type": "bool", "default": False},
    "restore_database": {"type": "bool", "default": False},
    "snapshot": {"type": "str", "default": "newest"},
    "confirm": {"type": "str", "default": ""},
    "plans": {"type": "bool", "default": False},
    "step": {"type": "str", "choices": ["all", "start", "switch", "cancel"], "default": "all"},
    "candidate": {"type": "dict", "default": {}},
    "run": RUN,
}


def resolve_target(app: App, release: str) -> str:
    """Resolve *release* to a release; raise ReleaseError if it is not a rollback target."""
    current, targets = app.current(), app.rollback_targets()
    if not current:
        raise ReleaseError(
            f"app: this host serves no app '{app.name}'. Exclude the host with --limit. Nothing was changed."
        )
    if release == current:
        return current
    if release == PREVIOUS:
        if not targets:
            raise ReleaseError(
                f"release: {app.name} has no earlier release on this host to return to. Nothing was changed."
            )
        release = targets[0]
    if release not in targets:
        release = resolve_source(app, release)
    if release == current:
        return current
    if release in targets:
        lost_python.check(app, release)
        return release
    available = (
        f"Available releases: {', '.join(targets[:SHOWN_RELEASES])}." if targets else "No other release is available."
    )
    if len(targets) > SHOWN_RELEASES:
        available += f" {len(targets) - SHOWN_RELEASES} older releases are in {app.releases}."
    if release in app.failures():
        raise ReleaseError(
            f"release: '{release}' failed and cannot be a rollback target. {available} Nothing was changed."
        )
    raise ReleaseError(f"release: '{release}' does not exist or was never served. {available} Nothing was changed.")


def resolve_source(app: App, source: str) -> str:
    """Return the only release of a *source*, which begins the identifiers of its releases; *source* if there is none.

    Raise ReleaseError if there are several. Hosts with different versions of Python have one with different endings.
    """
    found = [name for name in (app.current(), *app.rollback_targets()) if name.partition("-")[0] == source]
    if len(found) > 1:
        listed = ", ".join(f"{name} (served)" if name == app.current() else name for name in found)
        raise ReleaseError(
            f"release: '{source}' names {len(found)} releases of the same source, with different configurations: "
            f"{listed}. Name one of them. Nothing was changed."
        )
    return found[0] if found else source


def check_migrations(app: App, target: str, ignore: bool) -> list[str]:
    """Return the migrations that *target* predates; raise ReleaseError for them unless *ignore* is set."""
    newer = app.migrations_between(target, app.current())
    if newer and not ignore:
        raise ReleaseError(
            f"release: {target} predates the migrations {', '.join(newer)}. Reverse them first "
            f"({', '.join(reverse_commands(app, target, newer))}), or, if the older code works with them, set "
            f"ignore_migrations=true (-e ignore_migrations=true). {with_database(app, target)}Nothing was changed."
        )
    return newer


def with_database(app: App, target: str) -> str:
    """Return how the database is taken back, too; empty without a snapshot of it."""
    # Each run on a host compiles what it imports, so what few runs need is imported there.
    from ansible_collections.gatehouse.django.plugins.module_utils._backup import migration_snapshots
    from ansible_collections.gatehouse.django.plugins.module_utils._backup.before_migration import COMMAND

    snapshot = migration_snapshots.newest(app, target)
    if snapshot is None:
        return ""
    release = "" if target in app.rollback_targets()[:1] else f" -e release={target}"
    return (
        f"Neither takes the data back. To return to the snapshot of the database of {snapshot.moment}, and see first "
        f"what that would lose: `{COMMAND.format(app=app.name)}{release}`. "
    )


def check_prefix(app: App, target: str) -> None:
    """Raise ReleaseError if *target* is for another path of the site than the current release."""
    now, then = (
        environment(f"{app.release(identifier)}/env").get("GATEHOUSE_PREFIX", "") or "/"
        for identifier in (app.current(), target)
    )
    if now != then:
        raise ReleaseError(
            f"release: {target} was deployed for the path {then} of the site, and the current release for {now}: nginx "
            "would send it the requests of another path. Change `mounts` in django_sites, or `prefix` of the app, and "
            f"type `ansible-playbook gatehouse.django.site -e app={app.name}`. Nothing was changed."
        )


def reverse_commands(app: App, target: str, migrations: list[str]) -> list[str]:
    """Return the commands that reverse *migrations*: for each Django app, back to the last one of *target*."""
    known, commands = app.record(target)["known_migrations"], []
    for label in dict.fromkeys(name.partition(".")[0] for name in migrations):
        before = [name.partition(".")[2] for name in known if name.startswith(f"{label}.")]
        commands.append(f"'{app.home}/manage migrate {label} {before[-1] if before else 'zero'}'")
    return commands


def check_unchanged(app: App, before: str) -> None:
    """Raise ReleaseError if another run has switched while this one waited for the lock."""
    if app.current() != before:
        raise ReleaseError(
            f"release: another run put {app.current()} into service in place of {before} while this run waited. "
            "Nothing was changed. Check whether the rollback is still needed, and run it again."
        )


def visit(module: AnsibleModule, tools: Tools, units: Units, release: str) -> list[str]:
    """Return what is wrong with the first page of the *release*, without its secrets."""
    hidden = secrets_of(environment(f"{units.app.release(release)}/env"))
    nginx = nginx_program(module.get_bin_path)
    with tools.phase("pages"):
        return [redact(text, hidden) for text in first_page.problems(module.run_command, nginx, units, release)]


def roll_back(module: AnsibleModule, tools: Tools, units: Units, history: History, result: dict[str, object]) -> None:
    """Put a release into service, and add to the *result*; the databases stay as they are."""
    app, before, step = units.app, units.app.current(), module.params["step"]
    interrupted_restore.check(app.name)
    result["release"] = target = resolve_target(app, module.params["release"])
    check_prefix(app, target)
    result["migrations"] = check_migrations(app, target, module.params["ignore_migrations"])
    result |= {"revision": app.revision(target), "configuration": app.configuration(target)}
    result["served"] = {"release": before, "configuration": app.configuration(before)}
    result |= {"candidate": {"id": target, "last_served": app.last_served(target)}}
    if result["migrations"] and step in ("all", "start"):
        hint = with_database(app, target) or "The host has no snapshot of it from before these migrations."
        module.warn(f"{app.name}: the database is not taken back. {hint}".strip())
    result["changed"] = not in_service(units, target)

    def visit_page() -> None:
        result["pages"] = visit(module, tools, units, target)

    if result["changed"] and not module.check_mode:
        result["pages"] = []
        tools.enter("lock")
        is_last = step in ("all", "switch")
        recorded = history.recorded("rollback", before, target, is_last=is_last)
        with locked(f"app-{app.name}"), recorded as event:
            if step != "cancel":
                interrupted_restore.check_none(app.name)
            event["revision"] = app.revision(target)
            check_unchanged(app, before)
            clean_up_interrupted_run(tools, units, app.record(target)["units"])
            getattr(Switch(tools, units, target, meanwhile=visit_page), SWITCH[step])()
            if step == "cancel" and (last_served := module.params["candidate"].get("last_served")):
                restore_mark(app, target, float(last_served))
        result["phases"] = tools.phases
    elif step in ("all", "switch") and not module.check_mode and stray_units(tools, app, target):
        # A run that was killed after the switch has left the release of before running.
        with locked(f"app-{app.name}"):
            retire(tools, app, app.current())


def take_back(module: AnsibleModule, tools: Tools, units: Units, history: History, result: dict[str, object]) -> None:
    """Put a release into service with the databases of a snapshot, if that is confirmed; add to the *result*."""
    from ansible_collections.gatehouse.django.plugins.module_utils._backup import far_plan, journal, way_back_plan
    from ansible_collections.gatehouse.django.plugins.module_utils._backup.way_back import WayBack, written_since

    app, params, work = units.app, module.params, WayBack(tools, units, Place(units.app))
    if far_plan.server_of(app) or ((note := journal.read(work.place)) and note.server):
        take_back_together(module, app, result)
        return
    if (note := journal.read(work.place)) and finish(module, work, note, history, result):
        return
    target = resolve_target(app, way_back_plan.target_of(app, params["release"]) or PREVIOUS)
    check_prefix(app, target)
    lost_python.check(app, target)
    snapshot = way_back_plan.choose(app, target, params["snapshot"])
    result |= {"release": target, "snapshot": snapshot.id, "migrations": snapshot.manifest["migrations"]}
    result |= {"finished": False, "changed": not way_back_plan.is_done(app, target, snapshot)}
    if not result["changed"]:
        return
    now = written_since(app, snapshot, target)
    if message := way_back_plan.explain(app, target, snapshot, now, params["confirm"]):
        if not module.check_mode:
            raise BackupError(message)
        module.warn(printable(message))
    if not module.check_mode:
        before = app.current()
        tools.enter("lock")
        with both_locks(app), history.recorded("rollback", before, target) as event:
            interrupted_restore.check_none(app.name)
            event["revision"], event["note"] = app.revision(target), f"with the databases of {snapshot.moment}"
            check_unchanged(app, before)
            clean_up_interrupted_run(tools, units, app.record(target)["units"])
            result["kept"] = work.go(snapshot, target)
            result["pages"] = visit(module, tools, units, target)
        result["phases"] = tools.phases


def take_back_together(module: AnsibleModule, app: App, result: dict[str, object]) -> None:
    """Add to the *result* what the hosts of an app do together whose database is on another host."""
    from ansible_collections.gatehouse.django.plugins.module_utils._backup import far_plan, journal, way_back_plan
    from ansible_collections.gatehouse.django.plugins.module_utils._backup.before_migration import COMMAND
    from ansible_collections.gatehouse.django.plugins.module_utils._backup.way_back import settings_of, written_since

    params, server = module.params, far_plan.server_of(app)
    note = journal.read(Place(app))
    if not params["plans"]:
        raise ReleaseError(
            f"restore_database: the database is on {server or (note.server if note else '')}, and the playbook "
            f"exchanges it there: `{COMMAND.format(app=app.name)}`. Nothing was changed."
        )
    result |= {"server": server, "release": app.current(), "changed": False, "finished": False, "snapshot": ""}
    if note:
        if not (note.server and note.target and params["confirm"] == app.name):
            interrupted_restore.check(app.name)
            interrupted_restore.check_none(app.name)
        result |= {"server": note.server, "changed": True, "interrupted": far_plan.interrupted(app, note)}
        return
    try:
        target = resolve_target(app, way_back_plan.target_of(app, params["release"]) or PREVIOUS)
        check_prefix(app, target)
        snapshot = way_back_plan.choose(app, target, params["snapshot"])
    except ReleaseError as error:
        # Of several hosts, one has the snapshot: the one that migrated.
        result["refused"] = str(error)
        return
    result |= {"release": target, "snapshot": snapshot.id, "migrations": snapshot.manifest["migrations"]}
    result["changed"] = not way_back_plan.is_done(app, target, snapshot)
    if not result["changed"]:
        return
    now = written_since(app, snapshot, target)
    result["would"] = printable(way_back_plan.explain(app, target, snapshot, now, params["confirm"]))
    release = app.release(target)
    far = set(far_plan.aliases(app, settings_of(app, target), release))
    chosen = [one for one in snapshot.manifest["databases"] if one["alias"] in far]
    sizes = {str(one["file"]): (snapshot.path / one["file"]).stat().st_size for one in chosen}
    given = {"snapshot": snapshot.id, "id": snapshot.id, "only": "database", "release": target, "target": target}
    given["configuration"] = app.configuration(target)
    result["plan"] = far_plan.make(app, BEFORE_ROLLBACK, chosen, sizes, **given)


def finish(module: AnsibleModule, work: WayBack, note: Journal, history: History, result: dict[str, object]) -> bool:
    """Finish the rollback of *note*, which was interrupted, or undo it; return whether nothing is left to do."""
    app = work.app
    if not note.target or module.params["confirm"] != app.name:
        interrupted_restore.check(app.name)
    result |= {"changed": True, "finished": True, "release": note.target, "snapshot": note.snapshot}
    if module.check_mode:
        return True
    with both_locks(app), history.recorded("rollback", note.served, note.target) as event:
        event["note"] = f"after an interruption, with the databases of the snapshot {note.snapshot}"
        done = work.recover()
    if done:
        result["kept"], result["phases"] = work.kept(done), work.tools.phases
    return bool(done)


@contextmanager
def both_locks(app: App) -> Iterator[None]:
    """Hold the locks of the app and of its backup."""
    with locked(f"app-{app.name}"), locked(f"backup-{app.name}"):
        yield


def main() -> None:
    """Roll back to the requested release."""
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    os.umask(0o022)
    app, run = App(module.params["app"]), module.params["run"]
    progress, history = Progress(app.name, run["id"]), History(app.name, run["by"])
    tools = Tools(die_with_parent(run_bounded), {}, enter=progress.enter)
    units, before = Units(tools, app), app.current()
    result: dict[str, Any] = {"before": before}
    attempt = Attempt(f"rolling back the app {app.name}", lambda: app.state_of_service(before))
    with explain_failures(module, attempt):
        try:
            accounts.check(app)
            work = take_back if module.params["restore_database"] else roll_back
            work(module, tools, units, history, result)
        except (BackupError, ReleaseError, LockError, OSError) as error:
            state = f"{tools.durations()}{app.state_of_service(before)}"
            reason = printable(with_lack(error))
            module.fail_json(f"{app.name}: {reason}\n{state}", **({"phases": tools.phases} if tools.phases else {}))
        finally:
            progress.end()
        for text in result.get("pages", ()):
            module.warn(f"{app.name}: {text}")
        if history.problem:
            module.warn(history.problem)
        result["diff"] = {"before": f"{before}\n", "after": f"{result['release']}\n"}
        module.exit_json(app=app.name, step=module.params["step"], current=app.current(), **result)


if __name__ == "__main__":
    main()
