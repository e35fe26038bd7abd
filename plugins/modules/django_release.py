#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_release
short_description: Build a release of a Django app, or say which one the host needs
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Works out the identifier of the release that the given source and options amount to, and builds it in
    C(/srv/<app>/releases/<id>) unless it is there already. P(gatehouse.django.django_app#role) puts it into service.
  - A release is the source, a virtual environment made by C(uv), the environment file, the collected and compressed
    static files. C(check --deploy), C(collectstatic) and C(migrate) run as the app's user, in its service's sandbox.
  - When a phase fails, nothing of the candidate is left, and the release that is being served is as it was.
  - In check mode it works out the identifier, looks at the host, and builds nothing.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The diff names the releases. Environment and settings are never part of it.
  platform:
    support: full
    platforms: posix
options:
  app:
    description: Name of the app.
    type: str
    required: true
  source:
    description: Where the code comes from. Exactly one of C(git), C(directory), C(archive) and C(pypi).
    type: dict
    required: true
    suboptions:
      git:
        description:
          - Address of a git repository, read by the host. A user and password in an C(https) address are used and
            shown nowhere.
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
    description: The project's settings module.
    type: str
    required: true
  application:
    description: The WSGI or ASGI application as C(module:name).
    type: str
    required: true
  python:
    description: The interpreter on the host.
    type: str
    default: python3
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
  build_environment:
    description: Environment variables for C(git), C(pip) and C(uv).
    type: dict
    default: {}
  files:
    description: Names and contents of the files in the release's C(gatehouse) directory.
    type: dict
    default: {}
  recipe:
    description: Texts that make up the release's identity, besides the other options.
    type: list
    elements: str
    default: []
  sandbox:
    description: systemd properties of the process that checks, collects and migrates.
    type: list
    elements: str
    default: []
  server:
    description: Requirement of the application server, for projects that do not bring one.
    type: str
    required: true
  uv:
    description: The version of C(uv).
    type: str
    required: true
  check_deploy:
    description: The level from which on C(check --deploy) fails.
    type: str
    default: ERROR
  keep_releases:
    description: How many releases stay.
    type: int
    default: 5
  revision:
    description: Set by the controller's half. Leave it out.
    type: str
  digest:
    description: Set by the controller's half. Leave it out.
    type: str
  upload:
    description: Set by the controller's half. Leave it out.
    type: path
  private:
    description: Set by the controller's half. Leave it out.
    type: str
seealso:
  - module: gatehouse.django.nginx_config
"""

EXAMPLES = r"""
- name: Build a release
  gatehouse.django.django_release:
    app: shop
    source:
      git: https://example.com/shop.git
      version: v1.2
    settings_module: shop.settings
    application: shop.wsgi:application
    server: gunicorn==27.0.1
    uv: 0.13.9
"""

RETURN = r"""
id:
  description: The release's identifier. Empty when only git can tell it, and the host has none yet.
  returned: success
  type: str
  sample: 1f0c8d2e4b6a-90ab12cd
path:
  description: The release's directory.
  returned: success
  type: str
  sample: /srv/shop/releases/1f0c8d2e4b6a-90ab12cd
complete:
  description: Whether the release is built.
  returned: success
  type: bool
current:
  description: The release that is served. Empty when there is none.
  returned: success
  type: str
running:
  description: Whether the release's units run and start at boot.
  returned: success
  type: bool
stray_units:
  description: Units of other releases of the app that run.
  returned: success
  type: list
  elements: str
superfluous:
  description: Releases that are not kept once this one is served.
  returned: success
  type: list
  elements: str
python_version:
  description: The version of the interpreter.
  returned: success
  type: str
  sample: 3.13.5
health_host:
  description: A name that the app answers to, as its settings say.
  returned: when the release is built
  type: str
phases:
  description: Seconds that each phase of the build took.
  returned: when the release was built now
  type: dict
check:
  description: What C(check --deploy) said without failing.
  returned: when the release is built
  type: str
"""

import hashlib
import json
import os
import shutil
from typing import Any, BinaryIO

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.gatehouse.django.plugins.module_utils import _app_host
from ansible_collections.gatehouse.django.plugins.module_utils._app_host import App
from ansible_collections.gatehouse.django.plugins.module_utils._app_release import Build
from ansible_collections.gatehouse.django.plugins.module_utils._app_run import ReleaseError, Tools
from ansible_collections.gatehouse.django.plugins.module_utils._app_source import Fetch, git_commit
from ansible_collections.gatehouse.django.plugins.module_utils._app_spec import ARGUMENT_SPEC


def fetcher(authorization: str) -> Fetch:
    """How to ask for an address, with *authorization* (`user:password`) if there is any."""
    user, _colon, password = authorization.partition(":")
    known = {"url_username": user, "url_password": password, "force_basic_auth": True} if authorization else {}

    def fetch(url: str) -> BinaryIO:
        answer: BinaryIO = open_url(url, timeout=60, **known)
        return answer

    return fetch


def resolve(tools: Tools, params: dict[str, Any], private: dict[str, Any]) -> str:
    """The source's revision; nothing while only git can tell and is not installed."""
    if not params["source"].get("git"):
        return str(params["revision"])
    if shutil.which("git") is None:
        return ""
    return git_commit(tools, params["source"], private["authorization"])


def identify(revision: str, digest: str, python_version: str) -> str:
    """The release's identifier: a virtual environment is bound to the interpreter's minor version."""
    if not revision:
        return ""
    minor = ".".join(python_version.split(".")[:2])
    return f"{revision[:12]}-{hashlib.sha256(f'{digest} {minor}'.encode()).hexdigest()[:8]}"


def told(app: App, identifier: str) -> dict[str, Any]:
    """What the release's own record says of it."""
    with open(os.path.join(app.release(identifier), "release.json"), encoding="utf-8") as file:
        record: dict[str, Any] = json.load(file)
    return {key: record[key] for key in ("health_host", "check")}


def main() -> None:
    """Look at the host, and build the release if it is missing."""
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    private = json.loads(params["private"] or "{}")
    if not private:
        module.fail_json("django_release works through its controller half: call it as a task, not as a bare module")
    os.umask(0o022)
    os.environ.update(private["build_environment"])
    tools, app = Tools(module.run_command, private["build_environment"], private["hidden"]), App(params["app"])
    result: dict[str, Any] = {"changed": False}
    try:
        _app_host.check_user(app)
        python, version = _app_host.find_python(tools, params["python"])
        params["revision"] = resolve(tools, params, private)
        identifier = identify(params["revision"], params["digest"], version)
        result["changed"] = not app.is_complete(identifier)
        if result["changed"] and not module.check_mode:
            Build(tools, app, identifier, params, private).run(python, fetcher(private["authorization"]))
            result["phases"] = tools.phases
        if app.is_complete(identifier):
            result |= told(app, identifier)
        result |= _app_host.state(tools, app, identifier, params["keep_releases"]) | {"python_version": version}
    except (ReleaseError, OSError) as error:
        served = app.current() or "none yet"
        module.fail_json(
            f"{app.name}: {tools.conceal(str(error))}\nNothing was put into service; current release: {served}."
        )
    if result["changed"]:
        before = f"{result['current']}\n" if result["current"] else ""
        result["diff"] = {"before": before, "after": f"{result['id'] or 'a new release'}\n"}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
