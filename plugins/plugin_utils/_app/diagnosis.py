# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the diagnoses of several hosts as lines for people."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]
# The site of a finding about a host.
ALL_SITES = "all sites"
# As the doctor writes it (module_utils/_doctor/data_servers/explanation.py).
SERVICE = re.compile(r"The app (\S+) cannot use its (database|cache|broker) ")
PLAY = re.compile(r"\bansible-playbook (?=gatehouse\.django\.)")


def doctor_lines(hosts: Mapping[str, Result], inventories: Sequence[str] = ()) -> list[str]:
    """Return the answers of django_doctor by host: the requests, each cause with its remedy, possible takeovers.

    A cause that several hosts of a fleet share is written once. Of a web host that has a finding itself, a balancer's
    finding only says where the cause is, and so does that of a web host about a service of another host. Commands in
    remedies name the *inventories* (ansible-playbook, option -i).
    """
    shared: dict[tuple[str, ...], list[str]] = {}
    for host, result in hosts.items():
        for finding in result["findings"]:
            names = shared.setdefault(_identity(finding), [])
            if host not in names:
                names.append(host)
    sections = [section for host, result in hosts.items() for section in _sections(host, result, shared, hosts)]
    named = "".join(f"-i {shlex.quote(one)} " for one in inventories)
    lines = [line for section in sections if section for line in ["", *section]][1:]
    return [PLAY.sub(lambda found: found[0] + named, line) for line in lines]


def _identity(finding: Result) -> tuple[str, ...]:
    return (finding["site"], finding["cause"], finding["remedy"], *finding["explains"])


def _sections(
    host: str, result: Result, shared: Mapping[tuple[str, ...], list[str]], hosts: Mapping[str, Result]
) -> Iterator[list[str]]:
    asked = [f"  {one['url']}: {one['status'] or 'no answer'}" for one in result["asked"]]
    yield [f"{host}: requests and answers", *asked] if asked else []
    for finding in result["findings"]:
        names = shared[_identity(finding)]
        if names[0] == host and _is_explained(finding, hosts):
            yield [f"{', '.join(names)}: {finding['site']}", f"  Cause:    that of {finding['host']}, see there"]
        elif names[0] == host:
            yield list(_finding(", ".join(names), finding))
    for takeover in result["takeovers"]:
        yield [
            f"{host}: {takeover['site']} could be taken over",
            *(f"  {line}" for line in [*takeover["plan"], takeover["command"]]),
        ]
    drained = f"; drained since {result['drained']}, so balancers ask other hosts" if result.get("drained") else ""
    if not result["findings"]:
        yield [f"{host}: no problem found{drained}"]
    elif drained:
        yield [f"{host}: {drained.removeprefix('; ')}"]


def _is_explained(finding: Result, hosts: Mapping[str, Result]) -> bool:
    """Whether the host that the cause is on says itself what is wrong with the site, its nginx or its service."""
    own = hosts.get(finding.get("host") or "", {})
    if service := SERVICE.match(finding["cause"]):
        # Of a unit, such as valkey-server@shop-cache.service, or of the file system that has its data.
        unit = "postgresql@" if service[2] == "database" else f"@{service[1]}-{service[2]}."
        return any(unit in one["cause"] or "file system" in one["cause"] for one in own.get("findings", ()))
    # Where nginx does not run, the doctor has nothing to ask.
    sites = (finding["site"],) if own.get("asked") else (finding["site"], ALL_SITES)
    return any(one["site"] in sites for one in own.get("findings", ()))


def _finding(hosts: str, finding: Result) -> Iterator[str]:
    yield f"{hosts}: {finding['site']}"
    yield f"  Cause:    {finding['cause']}"
    yield f"  Remedy:   {finding['remedy']}"
    for number, one in enumerate(finding["explains"]):
        yield f"  {'' if number else 'Explains:':9} {one}"
