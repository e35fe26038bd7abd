# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The places on a host that Gatehouse writes, and those of systemd, nginx and certbot that it reads."""

from __future__ import annotations

# Each app is in one directory below it, named like the app; _app/layout.py names what is inside. nginx and the doctor
# find an app's socket and files by its name.
APPS = "/srv"
# Tools that all apps of the host share: uv and Node.js.
TOOLS_DIRECTORY = "/opt/gatehouse"
# What certbot's timer runs.
RENEWAL_DIRECTORY = "/usr/local/lib/gatehouse"
# What nginx sends to certificate authorities, and the roots of a private one.
ACME_DIRECTORY = "/var/lib/gatehouse"
# On a balancer: links to directories with the names of the releases that it expects.
EXPECTED_DIRECTORY = "/var/lib/gatehouse/expected"
# On a web host that is drained: since when and by whom.
DRAINED = "/var/lib/gatehouse/drained.json"
# The changes of each app, which only root can read. Not below APPS: the record of a removal stays.
HISTORY_DIRECTORY = "/var/lib/gatehouse/history"
# The configuration of each instance of Valkey or Redis. The packages' own directories belong to their servers' users.
VALKEY_DIRECTORY = "/etc/gatehouse/valkey"
SERVICE_TLS_DIRECTORY = "/etc/gatehouse/services"
# For each app, an empty file for each host that lets it use a database, a cache or a broker.
ACCESS_DIRECTORY = "/var/lib/gatehouse/access"
AUTHORITIES_DIRECTORY = "/etc/gatehouse/authorities"
# Of the backups: the program, and for each app its configuration, password and results, which only root can read.
BACKUP_PROGRAM = "/usr/local/lib/gatehouse/backup/gatehouse-backup"
BACKUP_DIRECTORY = "/var/lib/gatehouse/backup"
# Where an app's backups are, unless its entry names another place, and restic's copy of their index.
BACKUPS = "/var/backups/gatehouse"
BACKUP_CACHE = "/var/cache/gatehouse/backup"
# On the host of a database: which run exchanges the one of each app, and with which copy.
EXCHANGE_DIRECTORY = "/var/lib/gatehouse/exchange"
# Of the upgrade of PostgreSQL that is under way or was killed, and of the last one.
UPGRADE_JOURNAL = "/var/lib/gatehouse/postgresql/upgrade.json"
UPGRADE_RECORD = "/var/lib/gatehouse/postgresql/upgraded.json"
# What each app has taken over from a site that was made by hand.
TAKEOVER_DIRECTORY = "/var/lib/gatehouse/takeover"

# /run is empty after a boot: no process holds a lock then, and nginx reads its configuration anew.
RUN_DIRECTORY = "/run"
# Not in /run/lock: on Debian any user can create names there, and could create this one first.
LOCK_DIRECTORY = f"{RUN_DIRECTORY}/gatehouse/locks"
# The phase of each run that works now, which every user can read.
PHASE_DIRECTORY = f"{RUN_DIRECTORY}/gatehouse/phases"
# Which apps' settings agreed with their sites.
AGREED_DIRECTORY = f"{RUN_DIRECTORY}/gatehouse/agreed"
# What makes requests wait during a takeover.
HOLD_DIRECTORY = f"{RUN_DIRECTORY}/gatehouse/takeover"
SERVED_GENERATION = f"{RUN_DIRECTORY}/gatehouse-nginx-generation"
SERVED_CERTIFICATES = f"{RUN_DIRECTORY}/gatehouse-nginx-certificates"

# Units of the administrator, among them the apps', and those of packages (systemd.unit(5)).
UNIT_DIRECTORY = "/etc/systemd/system"
RUNTIME_UNIT_DIRECTORY = f"{RUN_DIRECTORY}/systemd/system"
PACKAGED_UNIT_DIRECTORIES = ("/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
# nginx's, unless its build says otherwise (``nginx -V``). Gatehouse writes below NGINX_DIRECTORY/gatehouse
# (_nginx/generation.py).
NGINX_DIRECTORY = "/etc/nginx"
NGINX_PID = "/run/nginx.pid"
NGINX_LOGS = "/var/log/nginx"
NGINX_TEMPORARY = "/var/lib/nginx"
CERTBOT_DIRECTORY = "/etc/letsencrypt"
# Of the names of Gatehouse's certificates in certbot.
LINEAGE_PREFIX = "gatehouse-"
CERTBOT_LOG = "/var/log/letsencrypt/letsencrypt.log"
# Debian's Python, for programs of Gatehouse. It has no packages of an app.
SYSTEM_PYTHON = "/usr/bin/python3"
# PostgreSQL's of the distribution, each with a directory for each major version.
POSTGRESQL_PROGRAMS = "/usr/lib/postgresql"
POSTGRESQL_SHARED = "/usr/share/postgresql"
POSTGRESQL_CONFIGURATION = "/etc/postgresql"
POSTGRESQL_SOCKETS = "/run/postgresql"
# For InaccessiblePaths= of sandboxes: there systemd shows any local user the running processes with their arguments.
SYSTEMD_SOCKETS = "-/run/dbus -/run/systemd/private"
# The authorities that the host trusts.
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
