# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option `backup`, which several modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """What `extends_documentation_fragment` includes."""

    DOCUMENTATION = r"""
options:
  backup:
    description: How the app is backed up, as the option of that name of role P(gatehouse.django.django_app#role).
    type: dict
    suboptions:
      password:
        description:
          - The password that the backups are encrypted with, 8 or more characters, from the vault. Without it the
            backups cannot be read. Every user of the vault can read it there; keep another copy elsewhere.
        type: str
      password_kept:
        description:
          - Set this when a copy of the password lies outside of this host and of the inventory. Until then each run
            warns.
        type: bool
        default: false
      to:
        description:
          - Where the backups go, as restic names it, like V(sftp:backup@nas.example.com:/srv/shop). By default
            C(/var/backups/gatehouse/<app>) on the host, which is lost with the host.
        type: str
        default: ""
      ssh_key:
        description:
          - A private key for C(sftp:), without a passphrase. By default root's own.
        type: str
        default: ""
      known_hosts:
        description:
          - The lines of C(known_hosts) for the server, as C(ssh-keyscan) prints them, with O(backup.ssh_key).
        type: str
        default: ""
      environment:
        description:
          - Variables for restic, like C(AWS_ACCESS_KEY_ID). Only root can read them on the host.
        type: dict
        default: {}
      keep:
        description:
          - How many C(daily), C(weekly) and C(monthly) backups stay, by default 7, 4 and 6. V({}) keeps all, for a
            server that allows no removal.
        type: dict
      time:
        description:
          - The time of day in the time zone of the host, in quotes. It starts up to 30 minutes later.
        type: str
        default: "02:30"
      drill:
        description:
          - How often the host proves that the last backup can be restored - it loads the databases beside the live
            ones, compares the rows of each table with those that the backup recorded, asks the release of the backup
            for migrations that they lack, and removes them again. It needs the room for a copy of the databases for a
            while. Three to five hours after O(backup.time), V(weekly) on Sundays, V(monthly) on the first one.
        type: str
        choices: [never, daily, weekly, monthly]
        default: weekly
      on_failure:
        description:
          - A command for root on the host, for a backup or a drill that failed. C(GATEHOUSE_APP) and
            C(GATEHOUSE_PROBLEM) in its environment say what happened. No shell runs it.
        type: str
        default: ""
"""
