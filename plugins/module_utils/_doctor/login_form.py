# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds a login form on a page, which the doctor may send: without a name and a password it cannot log in.

Django's AuthenticationForm rejects it before it asks a backend, so nothing counts it as an attempt to log in.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

TOKEN = "csrfmiddlewaretoken"
# HTML's forms do not nest, so the text after one start tag ends at the next: a page is read once, however hostile.
START = re.compile(r"<form\b", re.IGNORECASE)
FORM = re.compile(r"([^<>]{0,2000})>(.{0,20000}?)</form>", re.DOTALL | re.IGNORECASE)
INPUT = re.compile(r"<(?:input|textarea|select)\b([^<>]{0,2000})>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"""(?:^|\s)([a-zA-Z-]{1,40})\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
# What a login form has besides its token, the name and the password.
OTHERS = ("hidden", "submit", "checkbox", "button", "image")
NAMES = ("text", "email", "tel", "")
MAX_FORMS = 10


@dataclass(frozen=True)
class LoginForm:
    """The path that the form is sent to, and its fields: those of the page, with an empty name and password."""

    path: str
    fields: tuple[tuple[str, str], ...]


def find(page: str, url: str) -> LoginForm | None:
    """The first login form of Django's on *page*, whose address is *url*; None without one."""
    for after in START.split(page, MAX_FORMS)[1:]:
        form = FORM.match(after)
        found = _login(form[1], form[2], url) if form else None
        if found:
            return found
    return None


def _login(attributes: str, content: str, url: str) -> LoginForm | None:
    form = _attributes(attributes)
    inputs = [_attributes(one[1]) for one in INPUT.finditer(content)]
    kinds = [one.get("type", "").lower() for one in inputs]
    named = [one for one in inputs if one.get("type", "").lower() in NAMES and one.get("name")]
    is_login = kinds.count("password") == 1 and len(named) == 1
    if form.get("method", "").lower() != "post" or not is_login:
        return None
    if any(kind not in (*OTHERS, *NAMES, "password") for kind in kinds):
        return None
    hidden = [(one.get("name", ""), one.get("value", "")) for one in inputs if one.get("type", "").lower() == "hidden"]
    path = _path(form.get("action", ""), url)
    if path is None or TOKEN not in dict(hidden):
        return None
    empty = [
        (one["name"], "") for one in inputs if one.get("type", "").lower() in (*NAMES, "password") and one.get("name")
    ]
    return LoginForm(path, tuple(hidden + empty))


def _path(action: str, url: str) -> str | None:
    """The path and the query of the form's address, None where it belongs to another site."""
    try:
        target = urlsplit(urljoin(url, action.strip()))
    except ValueError:
        return None
    if target.netloc != urlsplit(url).netloc or not f"{target.path}{target.query}".isprintable():
        return None
    return (target.path or "/") + (f"?{target.query}" if target.query else "")


def _attributes(text: str) -> dict[str, str]:
    return {
        one[1].lower(): html.unescape(next((value for value in one.groups()[1:] if value), ""))
        for one in ATTRIBUTE.finditer(text)
    }
