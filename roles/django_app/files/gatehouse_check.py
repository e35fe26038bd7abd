"""Run Django's system checks as `check --deploy` does, and say first what stops the deployment.

As a program, it runs the checks again after the switch, when the app's processes run, and prints in JSON the findings
with the identifiers that are its arguments.
"""

import json
import os
import signal
import sys
from collections import Counter

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
NEVER = "never"
MAX_SHOWN = 8  # findings in an error
MAX_LINES = 4  # of each finding
MAX_GROUPS = 6
SECONDS = 60


class CheckFailed(Exception):
    """Findings stop the deployment; the text is for the operator."""


def check(level, ignored):
    """Return a report on all findings, and CheckFailed for those of *level* or above except *ignored*, or None."""
    try:
        found = findings()
    except Exception as error:
        if level != NEVER:
            raise
        return {"check": f"The checks ended with {type(error).__name__}: {error}"}, None
    # What would stop the deployment without check_ignore or `never`. It is asked again after the switch.
    serious = [one for one in found if one.level >= number("ERROR" if level == NEVER else level)]
    stopping = [one for one in serious if level != NEVER and one.id not in ignored]
    allowed = [one.id for one in serious if one.id and one not in stopping]
    report = {"check": "\n\n".join(map(describe, found)), "ignored": list(dict.fromkeys(allowed))}
    return report, CheckFailed(explain(found, stopping)) if stopping else None


def findings():
    """Return the findings that the project does not silence, the most serious ones first."""
    from django.core.checks import run_checks
    from django.urls import get_resolver

    try:
        # A module can register checks when it is imported, and the server imports all of them.
        _patterns = get_resolver().url_patterns
    except Exception:
        # The check of the URLconf reports it.
        pass
    found = [one for one in run_checks(include_deployment_checks=True) if not one.is_silenced()]
    return sorted(found, key=lambda one: -one.level)


def number(level):
    from django.core import checks

    return getattr(checks, level)


def name(level):
    """Return the name of the highest level that is not above *level*: a project can use numbers of its own."""
    return next((one for one in reversed(LEVELS) if number(one) <= level), LEVELS[0])


def describe(finding):
    """Return a finding with its hint, as `check` prints it."""
    where = f"{finding.obj}: " if finding.obj is not None else ""
    hint = f"\n\tHINT: {finding.hint}" if finding.hint else ""
    return f"{name(finding.level)} {finding.id or '(without an identifier)'}: {where}{finding.msg}{hint}"


def explain(found, stopping):
    """Return the error: what stops the deployment, a count of the rest, and what lets it pass."""
    verb = "stops" if len(stopping) == 1 else "stop"
    lines = [f"{len(stopping)} of {len(found)} findings of check --deploy {verb} the deployment:"]
    for one in stopping[:MAX_SHOWN]:
        lines += describe(one).splitlines()[:MAX_LINES]
    rest = [one for one in found if one not in stopping[:MAX_SHOWN]]
    if rest:
        lines.append(f"{count(rest)} not shown.")
    names = list(dict.fromkeys(one.id for one in stopping if one.id))
    ignore = f"check_ignore: [{', '.join(names[:MAX_SHOWN])}] or " if names else ""
    lines.append(f"If a check cannot pass before the app runs, write {ignore}check_deploy: never.")
    return "\n".join(lines)


def count(found):
    """Return how many findings there are of each level and app: "16 warnings of shop and 1 warning of security"."""
    groups = Counter((name(one.level).lower(), (one.id or "others").partition(".")[0]) for one in found)
    texts = [f"{size} {level}{'s' * (size > 1)} of {app}" for (level, app), size in groups.most_common()]
    if len(texts) > MAX_GROUPS:
        texts = [*texts[:MAX_GROUPS], "others"]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def main(identifiers):
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # The default action ends the process.
    signal.alarm(SECONDS)
    import django

    django.setup()
    again = [{"id": one.id, "text": describe(one)} for one in findings() if one.id in identifiers]
    print(json.dumps(again), file=output, flush=True)
    # End the process even if the project has started threads.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
