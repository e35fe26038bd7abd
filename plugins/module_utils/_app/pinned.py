# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install a tool from a package index, pinned with its digests, into a directory of root."""

from __future__ import annotations

import os

from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import RETRIES
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import Tools


def install(tools: Tools, python: str, home: str, requirement: str) -> None:
    """Install *requirement* with pip into a new virtual environment *home*.

    It pins its version and the digests of its wheels in pip's format: all apps of the host use this tool, so the
    package index of one app must not be able to replace it.
    """
    os.makedirs(os.path.dirname(home), exist_ok=True)
    tools.run([python, "-m", "venv", "--clear", home])
    requirements_file = os.path.join(home, "requirements.txt")
    with open(requirements_file, "w", encoding="utf-8") as file:
        file.write(requirement)
    pip = [os.path.join(home, "bin", "python"), "-I", "-m", "pip", "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    pip += ["--retries", os.environ.get("PIP_RETRIES", RETRIES["PIP_RETRIES"])]
    tools.run([*pip, "--requirement", requirements_file])
