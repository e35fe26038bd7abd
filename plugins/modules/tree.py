#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tree
short_description: Make several directories and files with one call
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Makes directories and writes files, with their owners and modes. A file is replaced by a rename, and only if it
    differs.
  - Where a role has a dozen small things to put on a host, one call takes the time of one instead of a dozen.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  platform:
    support: full
    platforms: posix
options:
  entries:
    description: The directories and files, in the order in which they are made.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: The absolute path.
        type: path
        required: true
      content:
        description: What the file holds. Without it, the entry is a directory.
        type: str
      owner:
        description: The owner.
        type: str
        default: root
      group:
        description: The group. Without it, the one that is named like the owner.
        type: str
      mode:
        description: The mode, in octal. Without it V(0755) for a directory, V(0644) for a file.
        type: str
"""

EXAMPLES = r"""
- name: Make a directory and a file in it
  gatehouse.django.tree:
    entries:
      - path: /srv/shop
      - path: /srv/shop/robots.txt
        content: "User-agent: *\n"
"""

RETURN = r"""
changed_paths:
  description: The paths that were not as they should be.
  returned: success
  type: list
  elements: str
  sample: [/srv/shop]
"""

import os
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule

ENTRY = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str"},
    "mode": {"type": "str"},
}


def read(path: str) -> str | None:
    """The file's text; nothing if there is no such file."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def make_directory(module: AnsibleModule, path: str) -> dict[str, str] | None:
    """The difference that there was, if any."""
    if os.path.isdir(path):
        return None
    if not module.check_mode:
        os.mkdir(path)
    return {"before": "", "after": "a directory\n"}


def make_file(module: AnsibleModule, path: str, content: str) -> dict[str, str] | None:
    """The difference that there was, if any."""
    before = read(path)
    if before == content:
        return None
    if not module.check_mode:
        handle, draft = tempfile.mkstemp(dir=module.tmpdir)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(content)
        module.atomic_move(draft, path)
    return {"before": before or "", "after": content}


def make(module: AnsibleModule, entry: dict[str, Any]) -> dict[str, str] | None:
    """Have the entry as it should be. The difference that there was, if any."""
    path, content = entry["path"], entry["content"]
    diff = make_directory(module, path) if content is None else make_file(module, path, content)
    # In check mode the owner may be a user that is yet to be made.
    if os.path.exists(path) and not (diff and module.check_mode):
        mode = entry["mode"] or ("0755" if content is None else "0644")
        group = entry["group"] or entry["owner"]
        attributes = {"path": path, "owner": entry["owner"], "group": group, "mode": mode}
        wanted = {**module.load_file_common_arguments(attributes, path), "attributes": None}
        told: dict[str, Any] = {}
        if module.set_fs_attributes_if_different(wanted, False, diff=told) and diff is None:
            diff = {side: f"{told[side]}\n" for side in ("before", "after")}
    return diff


def main() -> None:
    """Make every entry."""
    spec = {"entries": {"type": "list", "elements": "dict", "required": True, "options": ENTRY}}
    module = AnsibleModule(spec, supports_check_mode=True)
    diffs: dict[str, dict[str, str]] = {}
    for entry in module.params["entries"]:
        try:
            diff = make(module, entry)
        except OSError as error:
            module.fail_json(f"{entry['path']}: {error.strerror}. Made before it: {', '.join(diffs) or 'nothing'}.")
        if diff is not None:
            diffs[entry["path"]] = diff
    shown = [{"before_header": path, "after_header": path, **diff} for path, diff in diffs.items()]
    module.exit_json(changed=bool(diffs), changed_paths=list(diffs), diff=shown)


if __name__ == "__main__":
    main()
