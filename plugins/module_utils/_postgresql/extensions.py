# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the Debian packages of extensions."""

from __future__ import annotations

import os
from collections.abc import Iterable

# Of extensions whose package is not named after them: the end of its name, after `postgresql-<major>-`.
PACKAGES = {
    **{name: "postgis-3" for name in ("postgis", "postgis_raster", "postgis_sfcgal", "postgis_topology")},
    **{"postgis_tiger_geocoder": "postgis-3", "address_standardizer": "postgis-3"},
    **{"pg_cron": "cron", "pg_partman": "partman", "pg_repack": "repack", "vector": "pgvector"},
}


def packages(directory: str, major: str, names: Iterable[str]) -> list[str]:
    """Return the packages of those extensions *names* that have no control file in *directory*.

    The server's own package has those of PostgreSQL's contrib, like pg_trgm and unaccent.
    """
    lacking = [name for name in names if not os.path.exists(os.path.join(directory, f"{name}.control"))]
    return sorted({f"postgresql-{major}-{PACKAGES.get(name, name.replace('_', '-'))}" for name in lacking})
