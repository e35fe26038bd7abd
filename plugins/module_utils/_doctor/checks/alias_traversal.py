# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An alias that publishes the files beside its directory: its location lacks the last slash."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._doctor import places, sites
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.checks.published_secrets import is_sent
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.alias_guard import private_file
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.config_tree import Directive


def check_traversal(host: Host, is_meant: Callable[[Directive], bool]) -> Iterator[Finding]:
    """Each `location /static` with an alias that ends with a slash: /static../x is the file x beside the directory."""
    for server in dict.fromkeys(one.server for one in host.listens):
        for location, path, directory in sites.alias_locations(server) if is_meant(server) else ():
            if path.endswith("/") or not directory.endswith("/"):
                continue
            above = os.path.dirname(directory.rstrip("/"))
            example = private_file(above)
            is_proven = example is not None and is_sent(host, server, f"{path}../{example}")
            proof = ", to which nginx answers 200" if is_proven else ""
            example = example or "any file"
            words = " ".join(location.args)
            yield Finding(
                sites.title(server),
                f"Any visitor can download what is beside {directory}: location {path} ({location.where}) lacks the "
                f"slash that its alias has at its end, so {path}../{example} is {above}/{example}{proof}.",
                places.snippet_remedy(host, location, f"location {words}/ {{"),
            )
