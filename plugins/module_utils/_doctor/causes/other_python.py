# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A virtual environment whose Python is gone or is another version than the one that it was made with.

Debian's next release replaces /usr/bin/python3: the environment's link leads to it, but its packages are below
lib/python3.11 (site(3)).
"""

from __future__ import annotations

import os
import re
import shlex

from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd, untrusted
from ansible_collections.gatehouse.django.plugins.module_utils._doctor import evidence
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.apps import DEPLOY, service
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

LINE = re.compile(r"^(home|version|version_info)\s*=\s*(.+?)\s*$", re.MULTILINE)
NUMBERED = re.compile(r"python(\d+\.\d+)")
LINKS = 10


def explain(visit: Visit) -> Finding | None:
    """The version of pyvenv.cfg and the interpreter that is there now, for an application that does not run."""
    if not visit.is_unanswered:
        return None
    venv, unit = _venv(visit)
    if not venv or not systemd.is_failing(visit.host.state(unit)):
        return None
    made, home = _made_with(venv)
    if not made:
        return None
    target, now = _present(venv, home)
    if now == made:
        return None
    there = f"{target} is Python {now} now" if now else f"{target} does not exist any more"
    cause = f"{unit} does not run: its virtual environment {venv} was made with Python {made}, and {there}"
    return Finding(visit.request.site, f"{cause}.", _remedy(visit, venv, unit))


def _remedy(visit: Visit, venv: str, unit: str) -> str:
    if visit.app:
        return f"Deploy {visit.app} again, which makes a new environment: {DEPLOY}."
    service_ = evidence.service_of(visit)
    wanted = os.path.join(service_.directory if service_ else "", "requirements.txt")
    install = f"{shlex.quote(f'{venv}/bin/pip')} install -r {shlex.quote(wanted)}"
    if not os.path.exists(wanted):
        install = f"{shlex.quote(f'{venv}/bin/pip')} install what the project needs"
    user = f"runuser -u {shlex.quote(service_.user)} -- " if service_ and _belongs_to(venv, service_.user) else ""
    make, install = f"{user}python3 -m venv --clear {shlex.quote(venv)}", f"{user}{install}"
    return f"`{make} && {install} && systemctl restart {unit}`"


def _belongs_to(path: str, user: str) -> bool:
    try:
        import pwd

        return user != "root" and os.stat(path).st_uid == pwd.getpwnam(user).pw_uid
    except (OSError, KeyError):
        return False


def _venv(visit: Visit) -> tuple[str, str]:
    """The virtual environment of the application and its unit, both empty where there is none."""
    if visit.app:
        app = App(visit.app)
        return (
            (os.path.realpath(f"{app.release(app.current())}/venv"), service(visit.app)) if app.current() else ("", "")
        )
    found = evidence.service_of(visit)
    program = found.argv[0] if found and found.argv else ""
    directory = os.path.dirname(os.path.dirname(program))
    return (directory, found.unit) if found and os.path.lexists(f"{directory}/pyvenv.cfg") else ("", "")


def _made_with(venv: str) -> tuple[str, str]:
    """The version of Python that made the environment, such as 3.11, and the directory of that Python."""
    try:
        found = dict(LINE.findall(untrusted.read(f"{venv}/pyvenv.cfg", 65536)))
    except OSError:
        return "", ""
    version = re.match(r"\d+\.\d+", found.get("version") or found.get("version_info") or "")
    return (version[0] if version else ""), found.get("home", "")


def _present(venv: str, home: str) -> tuple[str, str]:
    """The interpreter that the environment leads to now, and its version; the version is empty where it is gone."""
    path = f"{venv}/bin/python"
    # The environment may belong to the app: its links are read, and not followed beyond names.
    for _number in range(LINKS):
        if not os.path.islink(path):
            break
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
    named = NUMBERED.fullmatch(os.path.basename(path))
    if os.path.exists(path):
        return path, named[1] if named else ""
    return path or home, ""
