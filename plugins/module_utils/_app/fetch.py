# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Open URLs on the host, as root, with Ansible's own client: it reads the proxies of the environment."""

from __future__ import annotations

from typing import BinaryIO

from ansible.module_utils.urls import basic_auth_header, open_url
from ansible_collections.gatehouse.django.plugins.module_utils._app.source import Fetch


def fetcher(authorization: str, accept: str = "", seconds: int = 60) -> Fetch:
    """Return a function that opens a URL, with *authorization* (`user:password`) if given.

    *accept* is the header of that name. The server has *seconds* for each part of its answer.
    """
    user, _colon, password = authorization.partition(":")
    headers = {"Accept": accept} if accept else {}
    known: dict[str, object] = {"headers": headers}
    if authorization:
        # A server that redirects to another one must not pass on the password: that one has to ask for it, and gets
        # none.
        headers["Authorization"] = basic_auth_header(user, password)
        known |= {"url_username": user, "url_password": password, "unredirected_headers": ["Authorization"]}

    def fetch(url: str) -> BinaryIO:
        answer: BinaryIO = open_url(url, timeout=seconds, **known)
        return answer

    return fetch
