# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply the changes: write the files, start the instances, and prove that they answer."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ansible_collections.gatehouse.django.plugins.module_utils._core import files, journal, tree, valkey
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import Run
from ansible_collections.gatehouse.django.plugins.module_utils._core.untrusted import harmless
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.access import CLIENT, property_files
from ansible_collections.gatehouse.django.plugins.module_utils._valkey.plan import Change

LINES = 20  # of the journal of an instance that does not start
START_SECONDS = 10.0  # a broker that has loaded its data answers at once


class Failed(Exception):
    """An instance could not be started; the text says why, and in what state it is."""


def apply(run: Run, changes: Sequence[Change]) -> None:
    """Apply *changes*, one instance after the other."""
    for change in changes:
        before = {path: files.read(path) for path in change.files}
        if change.stop:
            _checked(run, ["systemctl", "disable", "--now", change.unit])
        if change.lets_in:
            let_in(run, change.unit, change.lets_in)
        write(run, change.files, change.unit)
        if change.start:
            _start(run, change, before)
        if change.data:
            # The directory of a user that existed only while the instance ran; the link to it is systemd's.
            tree.remove_tree(change.data)
            files.remove(Path(valkey.STATE_DIRECTORY, os.path.basename(change.data)))


def _start(run: Run, change: Change, before: Mapping[str, str | None]) -> None:
    """Enable and start the instance; if it does not start, restore the files that it had."""
    cursor = journal.end(run)
    run(["systemctl", "reset-failed", change.unit])
    try:
        _checked(run, ["systemctl", "enable", change.unit])
        _checked(run, ["systemctl", "restart", change.unit])
        valkey.info(valkey.socket(change.name), START_SECONDS)
    except (Failed, valkey.NoAnswer) as error:
        text = journal.read_after(run, cursor, [f"--unit={change.unit}"])
        last = "\n".join(harmless(text, keep="\n\t").splitlines()[-LINES:])
        state = _restore(run, change, before)
        raise Failed(
            f"{change.name}: {change.unit} does not start: {error}\n{last}\nState of the host: the instance {state}."
        ) from error


def _restore(run: Run, change: Change, before: Mapping[str, str | None]) -> str:
    """Restore the files of before, and return the state of the instance in words."""
    if not before:
        return "is down, as before"
    write(run, before, change.unit)
    if None in before.values():
        run(["systemctl", "disable", "--now", change.unit])
        return "is not there, as before"
    run(["systemctl", "restart", change.unit])
    return "has its earlier configuration again"


def let_in(run: Run, unit: str, drop_in: str) -> None:
    """Have the running *unit* let in the hosts of its *drop_in* alone, which is to be written after that.

    A reload of systemd does not change the packet filter of a unit that runs. A changed property does, which `write`
    drops: the drop-in says the same then. Of a run that is killed between them, the drop-in or the property is left for
    the next one to see.
    """
    allowed = [f"IPAddressAllow={address}" for _host, address in CLIENT.findall(drop_in)]
    _checked(run, ["systemctl", "set-property", "--runtime", unit, "IPAddressAllow=", *allowed])


def write(run: Run, wanted: Mapping[str, str | None], unit: str) -> None:
    """Write the files of *wanted*, contents by path, and have systemd read them; None removes a file.

    *unit* is the one that they are for. It loses the property of `let_in`.
    """
    properties = property_files(unit)
    for path, text in wanted.items():
        if text is None:
            files.remove(Path(path))
            with contextlib.suppress(OSError):
                # Only a directory of drop-ins without any.
                os.rmdir(os.path.dirname(path))
            continue
        files.make_directory(Path(path).parent)
        files.replace(Path(path), text, 0o644)
    for file in properties:
        files.remove(file)
        with contextlib.suppress(OSError):
            # Only a directory without other properties.
            os.rmdir(file.parent)
    if wanted or properties:
        _checked(run, ["systemctl", "daemon-reload"])


def _checked(run: Run, argv: list[str]) -> None:
    code, out, err = run(argv)
    if code != 0:
        raise Failed(f"{' '.join(argv)}: {(err or out).strip()}")
