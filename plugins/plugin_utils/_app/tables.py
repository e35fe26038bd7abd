# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write what modules report of several hosts as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

HEADINGS = ("HOST", "APP", "RELEASE", "REVISION", "SINCE (UTC)", "BY", "UNITS", "RELEASES", "DATA", "CERTIFICATE")
REVISION_CHARACTERS = 12
ERROR_CHARACTERS = 100
UNITS_OF_SIZE = ("B", "kB", "MB", "GB", "TB")
Result = Mapping[str, Any]


def status_table(hosts: Mapping[str, Result], missing: Sequence[str] = ()) -> list[str]:
    """Return the answers of django_status by host as a table, and below it what needs a look, disks and deployments."""
    rows: list[tuple[str, ...]] = [HEADINGS]
    for host, result in hosts.items():
        own = [_row(host, app) for app in result["apps"]]
        rows += [*own, *(_balanced(host, one) for one in result.get("balanced", []))] or [(host, "(no app)")]
    rows += [(host, "(no answer)") for host in missing]
    sections = [aligned(rows), [line for host, result in hosts.items() for line in _problems(host, result)]]
    sections.append([line for host, result in hosts.items() for line in _elsewhere(host, result["apps"])])
    sections.append([_drained(host, result["drained"]) for host, result in hosts.items() if result.get("drained")])
    sections.append(list(_together(hosts)))
    sections.append([_free(host, result["disk"]) for host, result in hosts.items()])
    sections.append([line for host, result in hosts.items() for app in result["apps"] for line in backups(host, app)])
    sections += [_deployments(host, app) for host, result in hosts.items() for app in result["apps"]]
    return [line for section in sections if section for line in ["", *section]][1:]


def _row(host: str, app: Result) -> tuple[str, ...]:
    units = app["units"]
    failing = sum(1 for unit in units if unit["failing"])
    return (
        host,
        app["name"],
        app["release"] or "(none)",
        app["revision"][:REVISION_CHARACTERS],
        moment(app["since"]),
        app["by"],
        f"{failing} of {len(units)} failing" if failing else f"{len(units)} ok",
        size(app["disk"]["releases"]),
        size(app["disk"]["data"]),
        _certificate(app["sites"]),
    )


def _balanced(host: str, app: Result) -> tuple[str, ...]:
    """Return the row of an app that other hosts have, on their balancer."""
    return (host, app["name"], "(balancer)", *("" for _heading in HEADINGS[3:-1]), _certificate(app["sites"]))


def _certificate(sites: Iterable[Result]) -> str:
    """Return for how long the public certificates are valid; empty without one."""
    days = [site["days"] for site in sites if site["days"] is not None and not site.get("internal")]
    return f"{min(days)} days" if days else ""


def _problems(host: str, result: Result) -> Iterator[str]:
    for app in [*result["apps"], *result.get("balanced", [])]:
        for unit in app.get("units", []):
            if unit["failing"]:
                yield f"{host} {app['name']}: {unit['name']} is {unit['state']}"
        for site in app["sites"]:
            if site["certificate"] and site["days"] is None:
                yield f"{host} {app['name']}: the certificate of {site['site']} cannot be read: {site['certificate']}"


def _elsewhere(host: str, apps: Iterable[Result]) -> Iterator[str]:
    """Yield a line for each app with the services that it has on other hosts."""
    for app in apps:
        found = [f"{one['kind']} on {one['host']} ({one['address']}:{one['port']})" for one in app.get("services", [])]
        if found:
            yield f"{host} {app['name']}: {', '.join(found)}"


def _together(hosts: Mapping[str, Result]) -> Iterator[str]:
    """Yield what an operator must know of an app that several hosts have: whether they differ, and what runs on one."""
    by_app: dict[str, dict[str, Result]] = {}
    for host, result in hosts.items():
        for app in result["apps"]:
            by_app.setdefault(app["name"], {})[host] = app
    for name, found in by_app.items():
        yield from _difference(name, found)
        single = [host for host, app in found.items() if app.get("runs_once")]
        if single and len(found) > 1:
            yield f"{name}: what runs on one host (run_on, the backup) runs on {', '.join(single)}"
        elif len(found) > 1 and any(app.get("has_once") for app in found.values()):
            yield (
                f"{name}: what runs on one host (run_on) runs on none of these. Unless another one runs it: "
                f"ansible-playbook gatehouse.django.site -e app={name}"
            )


def _difference(name: str, found: Mapping[str, Result]) -> Iterator[str]:
    """Yield a line if the hosts of an app serve different releases, with what differs."""
    revisions = {host: app["revision"][:REVISION_CHARACTERS] or "nothing" for host, app in found.items()}
    releases = {host: app["release"] for host, app in found.items()}
    if len(set(revisions.values())) > 1:
        yield f"{name}: its hosts differ: {_served(revisions)}"
    elif len(set(releases.values())) > 1:
        # Releases of earlier versions of the collection do not record it.
        configurations = [app.get("configuration") for app in found.values()]
        what = "another configuration or Python"
        if all(configurations):
            what = "another configuration" if len(set(configurations)) > 1 else "another Python"
        yield f"{name}: its hosts serve the same source with {what}: {_served(releases)}"


def _served(found: Mapping[str, str]) -> str:
    return ", ".join(f"{host} serves {one}" for host, one in found.items())


def backups(host: str, app: Result) -> Iterator[str]:
    """Yield the lines about the backups of an app: the last one, and the last good one if that is another."""
    found = app.get("backup") or {}
    last, good = found.get("last"), found.get("success")
    if not found.get("due") and not last:
        return
    if not last:
        yield f"{host} {app['name']}: no backup yet"
        return
    how = str(last["result"])
    if how == "ok":
        how += f", {size(last['bytes'])} in {last['seconds']:.0f} s"
    elif how != "running":
        how += f": {shortened(last['problem'])}"
    good_one = "" if last["result"] == "ok" else f"; the last good one {moment(good['began']) if good else 'never'}"
    ends = "" if found["due"] else "; no further ones are made"
    yield f"{host} {app['name']}: backup {moment(last['began'])} {how}{good_one}{ends}"
    yield from (f"{host} {app['name']}: {text}" for text in last["warnings"])
    yield from drills(host, app)


def drills(host: str, app: Result) -> Iterator[str]:
    """Yield the lines about the drills of the backup, and about a copy that waits to be removed."""
    found = app.get("drill") or {}
    last, good = found.get("last"), found.get("success")
    if found.get("often", "never") != "never" or last:
        proven = "no restore proven yet"
        if good:
            proven = (
                f"last proven restore {moment(good['began'])}: snapshot {good['snapshot']}, {good['rows']} rows in "
                f"{good['tables']} tables, {size(good['bytes'])} in {good['restore']:.1f} s"
            )
        how = ""
        if last and last["result"] not in ("ok", "running"):
            how = f"; the drill {moment(last['began'])} {last['result']}: {shortened(last['problem'])}"
        ends = "; no drills are made" if found.get("often") == "never" else ""
        yield f"{host} {app['name']}: {proven}{how}{ends}"
        yield from (f"{host} {app['name']}: not proven: {text}" for text in (good or last or {"notes": []})["notes"])
    if copy := app.get("restored_copy"):
        yield (
            f"{host} {app['name']}: snapshot {copy['snapshot']} is restored beside the live data since "
            f"{moment(copy['made'])}; remove it with restore -e app={app['name']} -e into=scratch -e state=absent"
        )


def _drained(host: str, mark: Result) -> str:
    return (
        f"{host}: drained since {moment(mark['since'])} by {mark['user']}: no balancer asks it, and workers and timers "
        f"are stopped. To bring it back: ansible-playbook gatehouse.django.drain -e back=true -l {host}"
    )


def _free(host: str, disk: Result) -> str:
    return f"{host}: {size(disk['free'])} of {size(disk['size'])} free"


def _deployments(host: str, app: Result) -> list[str]:
    rows = [
        (
            f"  {moment(event['began'])}",
            event["action"],
            event["result"],
            f"{event['seconds']} s" if event["result"] in ("ok", "failed") else "",
            f"{event['before'] or '(none)'} -> {event['release'] or '(none)'}",
            f"by {event['by'] or 'an unknown user'} as {event['user']}",
            shortened(event["error"] or event.get("note", "")),
        )
        for event in app["deployments"]
    ]
    return [f"{host} {app['name']}: last changes", *aligned(rows)] if rows else []


def log_lines(hosts: Mapping[str, Sequence[Mapping[str, str]]], sort: str = "time") -> list[str]:
    """Return the entries of django_logs by host as lines: merged by time, or with *sort* 'source' one after the other.

    Raises ValueError for another *sort*.
    """
    if sort not in ("time", "source"):
        raise ValueError(f"sort: '{sort}' is neither 'time' nor 'source'")
    found = [(host, entry) for host, entries in hosts.items() for entry in entries]
    found.sort(key=lambda one: one[1]["time"])
    if sort == "source":
        found.sort(key=lambda one: (one[0], one[1]["source"], one[1]["origin"]))
    several = len(hosts) > 1
    rows = [(entry["time"], *([host] if several else []), entry["source"], entry["origin"]) for host, entry in found]
    return [f"{start}  {entry['text']}" for start, (_host, entry) in zip(aligned(rows, keep=True), found, strict=True)]


def aligned(rows: Sequence[Sequence[str]], *, keep: bool = False) -> list[str]:
    """Return the rows as lines with aligned columns; *keep* keeps the blanks at their ends."""
    widths = [
        max((len(row[n]) for row in rows if n < len(row)), default=0) for n in range(max(map(len, rows), default=0))
    ]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) for row in rows]
    return lines if keep else [line.rstrip() for line in lines]


def shortened(text: str) -> str:
    """Return the beginning of an error."""
    return text if len(text) <= ERROR_CHARACTERS else f"{text[:ERROR_CHARACTERS]}..."


def moment(text: str) -> str:
    """Return a time of a module's result, without its seconds."""
    return text[:16].replace("T", " ")


def size(count: int | None) -> str:
    """Return a number of bytes with a unit; a question mark for an unknown one."""
    if count is None:
        return "?"
    value = float(count)
    for unit in UNITS_OF_SIZE:
        if value < 1000 or unit == UNITS_OF_SIZE[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
