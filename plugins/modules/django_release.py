#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_release
short_description: Build a release of a Django app and put it into service
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Works out the identifier of the release that the given source and options amount to, builds it in
    C(/srv/<app>/releases/<id>) unless it is there already, and puts it into service.
  - Makes two users, C(<app>) and C(<app>-build), and the directories of the app, and mends them where they differ.
  - A release is the source, a virtual environment made by C(uv), the environment file, the collected and compressed
    static files. C(check --deploy), C(collectstatic) and C(migrate) run as the app's user, in its service's sandbox.
  - C(git), C(tar), C(uv), build backends and the compiler of bytecode run as C(<app>-build), in a sandbox without the
    app's data, secrets and database. A release is root's once it is built.
  - A release is put into service by starting it on a socket of its own, asking it until it answers as it should, and
    renaming C(/srv/<app>/current). The app's other processes are restarted then, and the release before finishes its
    requests and ends.
  - When any of it fails, the release that was served is served on, with its units and processes as they were. The
    candidate is moved to C(/srv/<app>/failed), where the newest two stay; nothing can return to it.
  - In check mode it works out the identifier, looks at the host, and changes nothing.
notes:
  - One run for an app at a time; another one waits up to 60 seconds for its turn.
    The lock is C(/run/gatehouse/locks/app-<app>).
  - A run may be killed at any moment. The release before or the new one is served then, and the next run finishes or
    takes back what the killed one has begun.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The diff names the releases and shows the unit files. Environment and settings are never part of it.
options:
  app:
    description: Name of the app, a slug like V(shop).
    type: str
    required: true
  entry:
    description:
      - The entry of C(django_apps) that the options come from. A key in it that is no option is refused, as is an
        option that another variable hides.
    type: dict
    default: {}
  state:
    description:
      - V(absent) stops all that the app runs and removes its units, its releases and its users. Its data stays and
        becomes root's, unless O(remove_data=true).
    type: str
    choices: [present, absent]
    default: present
  remove_data:
    description: Remove the app's data as well, when O(state=absent). Nothing brings it back.
    type: bool
    default: false
  source:
    description:
      - Where the code comes from. Exactly one of C(git), C(directory), C(archive) and C(pypi).
      - Required when O(state=present).
    type: dict
    suboptions:
      git:
        description:
          - Address of a git repository, read by the host. A user and password in an C(https) address are used and
            shown nowhere.
        type: str
      deploy_key:
        description:
          - Private key for an address of C(ssh), as text. C(git) alone reads it, in a unit of its own, and it stays in
            no file of the host.
        type: str
      known_hosts:
        description: Lines of C(known_hosts) for the server of the repository. Required with C(deploy_key).
        type: str
      version:
        description: Branch, tag, or full commit of the git repository. Its default branch when left out.
        type: str
      directory:
        description: A directory on the controller.
        type: str
      archive:
        description: A tar or zip file on the controller, or its address, read by the host.
        type: str
      checksum:
        description: The archive's checksum as C(algorithm:digest). Needed for an address.
        type: str
      pypi:
        description: A package that is itself the Django project, as C(name==version).
        type: str
      subdirectory:
        description: The directory inside of the source that holds the project.
        type: str
        default: ""
  settings_module:
    description: The project's settings module. Required when O(state=present).
    type: str
  interface:
    description: The interface of the application.
    type: str
    choices: [wsgi, asgi]
    default: wsgi
  application:
    description:
      - The application as C(module:name). When left out, that of the project, like V(shop.wsgi:application) where
        O(settings_module) is V(shop.settings).
    type: str
    default: ""
  python:
    description: The interpreter on the host.
    type: str
    default: python3
  packages:
    description: Packages of the distribution that the app needs, besides those that every release needs.
    type: list
    elements: str
    default: []
  requirements:
    description: Requirements to install along with the project's own.
    type: list
    elements: str
    default: []
  environment:
    description: Environment variables of the app.
    type: dict
    default: {}
  secrets:
    description: Environment variables whose values are hidden in the output of failed tools.
    type: dict
    default: {}
  settings:
    description: Django settings that are laid over the project's own.
    type: dict
    default: {}
  files:
    description: Files to write into the project's directory, their contents by their paths in it.
    type: dict
    default: {}
  build_environment:
    description: Environment variables for C(git), C(pip) and C(uv).
    type: dict
    default: {}
  workers:
    description: Number of gunicorn's workers. V(0) is one more than the host has CPUs.
    type: int
    default: 0
  threads:
    description: Threads of each worker, with O(interface=wsgi).
    type: int
    default: 4
  timeout:
    description:
      - Seconds after which gunicorn replaces a worker that does not move on. What has not been imported or has not
        answered by then never will.
    type: int
    default: 30
  health_path:
    description: The path of the request that proves that a release works.
    type: str
    default: /
  health_host:
    description: The Host of that request. The first name in C(ALLOWED_HOSTS) when left out.
    type: str
    default: ""
  health_status:
    description: The answers of a release that works. C(200) to C(399) when left out.
    type: list
    elements: int
    default: []
  check_deploy:
    description: The level from which on C(check --deploy) fails.
    type: str
    choices: [WARNING, ERROR, CRITICAL]
    default: ERROR
  migrate_databases:
    description: The databases that C(migrate) is run for, by their aliases in C(DATABASES).
    type: list
    elements: str
    default: [default]
  keep_releases:
    description: How many releases stay. At least 2.
    type: int
    default: 5
  media_group:
    description: The group of nginx's workers, which may read the app's media files.
    type: str
    default: www-data
  processes:
    description: What runs besides the web processes, all the time. Each is a unit C(<app>-<name>.service).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: A lower-case letter, then up to 29 of lower-case letters, digits and C(_).
        type: str
        required: true
      command:
        description: A program and its arguments, in words as in a shell. No shell reads it.
        type: str
        required: true
      stop_timeout:
        description: Seconds between C(SIGTERM) and C(SIGKILL).
        type: int
        default: 60
  timers:
    description: What runs at certain times. Each is a pair of units, C(<app>-<name>.timer) and its C(.service).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: As for O(processes[].name). No process may have the same name.
        type: str
        required: true
      command:
        description: As for O(processes[].command).
        type: str
        required: true
      on_calendar:
        description: When it runs, as in systemd.time(7).
        type: str
        required: true
      timeout:
        description: Seconds after which it is stopped.
        type: int
        default: 3600
  sandbox:
    description: Directives of systemd.exec(5) that replace those of the sandbox. C(ReadWritePaths) are added.
    type: dict
    default: {}
  limits:
    description: What all that runs for the app may use of the host.
    type: dict
    default: {}
    suboptions:
      memory:
        description: A share of the host's memory, or an amount like V(2G).
        type: str
        default: 75%
      cpu:
        description: The weight of the app where others want the CPUs too.
        type: int
        default: 100
      tasks:
        description: Processes and threads.
        type: int
        default: 2048
      open_files:
        description: Open files of each process.
        type: int
        default: 65536
  plan:
    description: Set by the action plugin. Leave it out.
    type: dict
  upload:
    description: Set by the action plugin. Leave it out.
    type: path
  private:
    description: Set by the action plugin. Leave it out.
    type: str
seealso:
  - module: gatehouse.django.nginx_config
"""

EXAMPLES = r"""
- name: Deploy an app
  gatehouse.django.django_release:
    app: shop
    source:
      git: https://example.com/shop.git
      version: v1.2
    settings_module: shop.settings

- name: Take the app off the host, and keep its data
  gatehouse.django.django_release:
    app: shop
    state: absent
"""

RETURN = r"""
id:
  description: The release's identifier. Empty when only git can tell it, and the host has none yet.
  returned: when the state is present
  type: str
  sample: 1f0c8d2e4b6a-90ab12cd
path:
  description: The release's directory.
  returned: when the state is present
  type: str
  sample: /srv/shop/releases/1f0c8d2e4b6a-90ab12cd
current:
  description: The release that is served. Empty when there is none.
  returned: success
  type: str
pending:
  description: Whether there was anything to do.
  returned: when the state is present
  type: bool
before:
  description: The release that was served before the run. Empty when there was none.
  returned: success
  type: str
python_version:
  description: The version of the interpreter.
  returned: when the state is present
  type: str
  sample: 3.13.5
missing_packages:
  description:
    - The packages of the distribution that were not installed before the run. C(brotli) is one of them where the host's
      nginx can send files that were compressed with it.
  returned: when the state is present
  type: list
  elements: str
revision:
  description: The revision of the source. Empty when only git can tell it, and the host has none yet.
  returned: when the state is present
  type: str
is_new:
  description: Whether the host had nothing of the app before the run.
  returned: when the state is present
  type: bool
phases:
  description: Seconds that each phase took.
  returned: when something was done
  type: dict
  sample: {source: 0.1, dependencies: 1.4, check: 0.2, migrate: 0.1, health: 0.9, steady: 2.1}
check:
  description: What C(check --deploy) said without failing.
  returned: when the release is built
  type: str
"""

import hashlib
import json
import os
import re
import shutil
from typing import Any, BinaryIO

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.gatehouse.django.plugins.module_utils._app import accounts, calendars, directories, layout
from ansible_collections.gatehouse.django.plugins.module_utils._app.activation import (
    Switch,
    heal,
    in_service,
    retire,
    strays,
)
from ansible_collections.gatehouse.django.plugins.module_utils._app.build import Build
from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import Builder
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.packages import missing
from ansible_collections.gatehouse.django.plugins.module_utils._app.removal import leftovers, remove
from ansible_collections.gatehouse.django.plugins.module_utils._app.source import Fetch, git_commit
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import ARGUMENT_SPEC, REQUIRED_IF, Plan
from ansible_collections.gatehouse.django.plugins.module_utils._app.store import prune
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, mortal
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import (
    Attempt,
    explain_failures,
    printable,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import describe

# What of the build environment counts for root's own downloads: a proxy, and authorities.
NETWORK = re.compile(r"(?:https?|ftp|all|no)_proxy|(?:HTTPS?|FTP|ALL|NO)_PROXY|(?:SSL|PIP)_CERT(?:_FILE)?|PIP_\w+")


def fetcher(authorization: str) -> Fetch:
    """How to ask for an address, with *authorization* (`user:password`) if there is any."""
    user, _colon, password = authorization.partition(":")
    known = {"url_username": user, "url_password": password, "force_basic_auth": True} if authorization else {}

    def fetch(url: str) -> BinaryIO:
        answer: BinaryIO = open_url(url, timeout=60, **known)
        return answer

    return fetch


def resolve(builder: Builder, params: dict[str, Any], private: dict[str, Any]) -> str:
    """The source's revision; nothing while only git can tell and is not installed."""
    known: str = params["plan"]["revision"]
    if known or not params["source"].get("git") or shutil.which("git") is None:
        return known
    return git_commit(builder, params["source"], private)


def lacking(module: AnsibleModule, tools: Tools, packages: list[str]) -> list[str]:
    """The packages to install; that of brotli only where nginx can send what it compresses."""
    return missing(tools, [*packages, *(["brotli"] if sends_brotli(module) else [])])


def sends_brotli(module: AnsibleModule) -> bool:
    """Whether the host's nginx has a use for files that were compressed with brotli."""
    nginx = module.get_bin_path("nginx", opt_dirs=["/usr/sbin", "/sbin"])
    return bool(describe(module.run_command, nginx)["brotli_static"])


def identify(revision: str, digest: str, python_version: str) -> str:
    """The release's identifier: a virtual environment is bound to the interpreter's minor version."""
    if not revision:
        return ""
    minor = ".".join(python_version.split(".")[:2])
    return f"{revision[:12]}-{hashlib.sha256(f'{digest} {minor}'.encode()).hexdigest()[:8]}"


def pending(tools: Tools, units: Units, identifier: str, params: dict[str, Any]) -> bool:
    """Whether there is anything to do."""
    app = units.app
    return (
        bool(params["missing_packages"])
        or not app.is_complete(identifier)
        or bool(accounts.outdated(app))
        or bool(directories.outdated(app, params["media_group"]))
        or not in_service(units, identifier)
        or bool(strays(tools, app, identifier))
        or bool(app.superfluous(identifier, params["keep_releases"]))
    )


def deploy(build: Build, python: str, fetch: Fetch) -> None:
    """Build the release if it is missing, and put it into service if it is not."""
    tools, app, units = build.tools, build.app, Units(build.tools, build.app)
    accounts.ensure(tools, app)
    directories.ensure(app, build.params["media_group"])
    build.builder.stop()
    heal(tools, units, build.plan["units"])
    if not app.is_complete(build.id):
        with units.limited(build.plan["units"]):
            build.run(python, fetch)
    if in_service(units, build.id):
        retire(tools, app, build.id)
    else:
        Switch(tools, units, build.id).run()
    prune(app, build.id, build.params["keep_releases"])


def warning(app: App, identifier: str) -> str:
    """What to say of a release that is older than the database."""
    current = app.current()
    if identifier == current or not app.is_complete(identifier) or not app.is_complete(current):
        return ""
    newer = app.migrations_between(identifier, current)
    return f"{app.name}: release {identifier} predates the migrations {', '.join(newer)}" if newer else ""


def differences(
    units: Units, before: str, after: str, wanted: dict[str, str], packages: list[str]
) -> list[dict[str, str]]:
    """What changes: packages, the release, and unit files."""
    found = [{"before": f"{before}\n" if before else "", "after": f"{after or 'a new release'}\n"}]
    if packages:
        names = "".join(f"{name}\n" for name in packages)
        found.append({"before_header": "packages", "after_header": "packages", "before": "", "after": names})
    own = units.on_host()
    for path in sorted({*own, *wanted}):
        if own.get(path) != wanted.get(path):
            texts = {"before": own.get(path, ""), "after": wanted.get(path, "")}
            found.append({"before_header": path, "after_header": path, **texts})
    return found


def absent(module: AnsibleModule) -> None:
    """Take the app off the host.

    With a plan it is the way back from a first deployment that failed: what is served stays.
    """
    tools, app = Tools(mortal(run_bounded), {}), App(module.params["app"])
    units, before, data = Units(tools, app), app.current(), module.params["remove_data"]
    attempt = Attempt(f"removing the app {app.name}", lambda: app.state_of_service(before))
    with explain_failures(module, attempt):
        try:
            accounts.check(app, is_wanted=False)
            is_way_back = module.params["plan"] is not None
            found = [] if is_way_back and before else leftovers(units, data=data)
            if found and not module.check_mode:
                with locked(f"app-{app.name}"):
                    remove(tools, units, data=data)
        except (ReleaseError, LockError, OSError) as error:
            module.fail_json(f"{app.name}: {printable(str(error))}\n{app.state_of_service(before)}")
        diff = {"before": "".join(f"{one}\n" for one in found), "after": ""}
        module.exit_json(changed=bool(found), before=before, current=app.current(), diff=diff)


def present(module: AnsibleModule) -> None:
    """Look at the host, and do what is left to do."""
    params, private = module.params, json.loads(module.params["private"] or "{}")
    if not private:
        module.fail_json(
            "django_release needs its action plugin: call it as a task, not as a bare module. Nothing was changed."
        )
    plan: Plan = params["plan"]
    look_only = module.check_mode or plan["look_only"]
    os.environ.update({name: text for name, text in private["build_environment"].items() if NETWORK.fullmatch(name)})
    tools, app = Tools(mortal(run_bounded), {}, private["hidden"]), App(params["app"])
    units, before = Units(tools, app), app.current()
    builder = Builder(tools, app, private["build_environment"])
    attempt = Attempt(f"deploying the app {app.name}", lambda: app.state_of_service(before), tools.conceal)
    result: dict[str, Any] = {"before": before}
    with explain_failures(module, attempt):
        try:
            accounts.check(app)
            directories.check(app, params["media_group"])
            units.check_foreign(plan["units"])
            calendars.check(tools, plan["calendars"])
            python, params["python_version"] = layout.find_python(tools, params["python"])
            # It does not hold the lock yet: another run may be building.
            looking = Builder(tools, app, private["build_environment"], f"-{os.getpid()}")
            plan["revision"] = resolve(looking, params, private)
            params["missing_packages"] = lacking(module, tools, plan["packages"]) if look_only else []
            result |= {name: params[name] for name in ("python_version", "missing_packages")}
            result |= {"revision": plan["revision"], "is_new": not os.path.lexists(app.home)}
            identifier = identify(plan["revision"], plan["digest"], params["python_version"])
            result["changed"] = result["pending"] = pending(tools, units, identifier, params)
            if result["changed"] and look_only:
                result["diff"] = differences(units, before, identifier, plan["units"], params["missing_packages"])
                if said := warning(app, identifier):
                    module.warn(said)
            if result["changed"] and not look_only:
                with locked(f"app-{app.name}"):
                    build = Build(tools, app, builder, identifier, params, private)
                    deploy(build, python, fetcher(private["authorization"]))
                result["phases"] = tools.phases
            if app.is_complete(identifier):
                result["check"] = app.record(identifier)["check"]
        except (ReleaseError, LockError, OSError) as error:
            module.fail_json(f"{app.name}: {printable(tools.conceal(str(error)))}\n{app.state_of_service(before)}")
        module.exit_json(id=identifier, path=app.release(identifier), current=app.current(), **result)


def main() -> None:
    """Deploy the app, or take it off the host."""
    module = AnsibleModule(ARGUMENT_SPEC, required_if=REQUIRED_IF, supports_check_mode=True)
    os.umask(0o022)
    if module.params["state"] == "absent":
        absent(module)
    else:
        present(module)


if __name__ == "__main__":
    main()
