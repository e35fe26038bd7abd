# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The broker that workers cannot reach: what to type, if it is a service of this host."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ansible_collections.gatehouse.django.plugins.module_utils._core import systemd, valkey
from ansible_collections.gatehouse.django.plugins.module_utils._core.addresses import THIS_HOST
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.host import Host

# The units of Debian's packages, by the scheme of a URL without "s" and what follows "+".
REDIS = ("valkey-server.service", "redis-server.service")
UNITS = {
    **dict.fromkeys(("redis", "rediss", "valkey", "valkeys", "redis+socket", "unix"), REDIS),
    **dict.fromkeys(("amqp", "amqps", "pyamqp"), ("rabbitmq-server.service",)),
}
# The socket of an app's own instance.
INSTANCE = re.compile(re.escape(valkey.socket("NAME")).replace("NAME", rf"({valkey.NAME.pattern})"))


def remedy(host: Host, url: str, unit: str) -> str:
    """Start the broker's service, or correct the address; *unit* is a worker of the app that decides *url*."""
    try:
        parts = urlsplit(url)
        names = UNITS.get(parts.scheme, ()) if (parts.hostname or "") in (*THIS_HOST, *host.addresses) else ()
        if names == REDIS and (own := INSTANCE.fullmatch(parts.path)):
            names = tuple(engine.unit(own[1]) for engine in valkey.ENGINES)
    except ValueError:
        names = ()
    states = systemd.show_all(host.run, names)
    present = [name for name in names if states.get(name, {}).get("LoadState") == "loaded"]
    down = [name for name in present if states[name].get("ActiveState") != "active"]
    if len(present) == 1 and down:
        name = down[0]
        if systemd.is_failing(states[name]):
            return f"Read `journalctl -n 50 -u {name}`, correct what it names, then `systemctl restart {name}`."
        is_enabled = states[name].get("UnitFileState") == "enabled"
        return f"`systemctl start {name}`" if is_enabled else f"`systemctl enable --now {name}`"
    return (
        f"Start that broker, or correct its address in the app's settings. `journalctl -f -u {unit}` shows if it helps."
    )
