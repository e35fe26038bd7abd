"""Find the variables of the inventory that the project does not use.

A variable counts as used if the project reads it while the release is prepared, or if its name occurs in the project or
in an installed package, which may read it later. Two well-known variables are compared with the settings.
"""

import os
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

SECRET_KEYS = ("DJANGO_SECRET_KEY", "SECRET_KEY")
DATABASE_URL = "DATABASE_URL"
SEARCH_SECONDS = 5.0
MAX_FILE_BYTES = 1024 * 1024
SKIPPED = {".git", "node_modules", "__pycache__"}


# The names that were read; ALL if a program has listed them.
READ = set()
ALL = ""


class Recorded(type(os.environ)):
    """os.environ, which records what is read. A program that lists all variables may use each of them."""

    def __getitem__(self, key):
        READ.add(key)
        return super().__getitem__(key)

    def __iter__(self):
        READ.add(ALL)
        return super().__iter__()


def record():
    """Record from now on which variables are read."""
    os.environ.__class__ = Recorded


def unused(given, settings):
    """Return which of the *given* names the project does not use."""
    read = set(READ)
    # A program that lists all variables reads each of them.
    is_unread = {name for name in given if name not in read or ALL in read}
    found = [name for name in SECRET_KEYS if name in is_unread and os.environ[name] != settings.SECRET_KEY]
    if DATABASE_URL in given and not is_database(os.environ[DATABASE_URL], settings.DATABASES):
        found.append(DATABASE_URL)
    if ALL not in read:
        suspect = {name for name in given if name not in read and name not in (*SECRET_KEYS, DATABASE_URL)}
        found += sorted(not_mentioned(suspect))
    return found


def is_database(url, databases):
    """Return whether one of the *databases* has the name in the *url*."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    # For SQLite, the path begins with a second slash; a relative file moves to the app's data.
    name = Path(unquote(parts.path)).name
    return not name or any(Path(str(one.get("NAME") or "")).name == name for one in databases.values())


def not_mentioned(names):
    """Return which *names* no file of the project and of the installed packages has; none if that takes too long."""
    deadline = time.monotonic() + SEARCH_SECONDS
    left = {name: name.encode() for name in names}
    places = [(os.path.realpath(os.getcwd()), ""), *((path, ".py") for path in sys.path if path.endswith("-packages"))]
    for top, ending in places:
        for path, directories, files in os.walk(top):
            directories[:] = [name for name in directories if name not in SKIPPED]
            for file in files if left else []:
                if file.endswith(ending):
                    text = content(os.path.join(path, file))
                    left = {name: word for name, word in left.items() if word not in text}
            if time.monotonic() > deadline:
                return set()
    return set(left)


def content(path):
    try:
        with open(path, "rb") as file:
            return file.read(MAX_FILE_BYTES)
    except OSError:
        return b""
