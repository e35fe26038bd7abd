# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell the operator which variables of the inventory a project does not use. Never show a value."""

from __future__ import annotations

SECRET_KEYS = ("DJANGO_SECRET_KEY", "SECRET_KEY")


def explain(name: str, option: str) -> str:
    """Return the warning about the variable *name* of *option*, `environment` or `secrets`."""
    if name in SECRET_KEYS:
        return (
            f"{option}: the project does not use {name}, because its settings set SECRET_KEY to another value. Write "
            f'SECRET_KEY = os.environ["{name}"] in the settings, or remove the variable.'
        )
    if name == "DATABASE_URL":
        return (
            f"{option}: the project does not use the database of {name}, because DATABASES in its settings names "
            "others. Read the variable there, with dj-database-url for example, or remove it."
        )
    return (
        f"{option}: the project does not use {name}: it has not read the variable, and neither its files nor the "
        "installed packages contain the name. Correct the name, or remove the variable."
    )
