"""The moments to kill a run of the module at: right before each of the changes that it makes, counted from 1."""

from .long import LONG

TEMPORARY = ".gatehouse-new"
SCRATCH = "/.ansible/tmp/"
RELOAD = "subprocess.Popen systemctl reload nginx.service"


def changes(driver, *sites, **options):
    """What a run that is not killed changes, in order."""
    return driver.die(*sites, **options)["events"]


def reload_of(driver, wanted):
    """The moment right before the reload of a first publication of *wanted*: all is live, and nginx has not read it."""
    events = changes(driver, wanted)
    driver.publish({"name": wanted["name"], "state": "absent"})
    return events.index(RELOAD) + 1


def moments(events, share, shares):
    """The numbers of the changes to be killed at: all of them in the long form.

    In the short form one share of those that differ: the first and the last one of a series of the same change
    in the same directory, or of all changes below a temporary name; none in Ansible's own temporary directory.
    """
    numbers = range(1, len(events) + 1)
    if LONG:
        return list(numbers)
    kinds = [_kind(event) for event in events]
    edges = [
        number
        for number in numbers
        if SCRATCH not in kinds[number - 1]
        and (kinds.index(kinds[number - 1]) == number - 1 or kinds[number - 1] not in kinds[number:])
    ]
    return edges[share::shares]


def _kind(event):
    what, _space, path = event.partition(" ")
    directory, _slash, _name = path.rpartition("/")
    if what == "subprocess.Popen":
        return event
    return "building" if TEMPORARY in directory else f"{what} {directory}"
