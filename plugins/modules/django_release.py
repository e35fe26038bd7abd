#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: django_release
short_description: Build a release of a Django app and put it into service
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Computes the identifier of the release from the source and the options, builds the release in
    C(/srv/<app>/releases/<id>) unless it exists, and puts it into service.
  - Creates two users, C(<app>) and C(<app>-build), and the directories of the app, and corrects their properties.
  - A release consists of the source, a virtual environment made by C(uv), the environment file, and the collected and
    compressed static files. C(collectstatic), C(check --deploy) and C(migrate) run as the app's user, in the sandbox of
    its services.
  - C(git), C(tar), C(uv), build backends and the compiler of bytecode run as C(<app>-build), in a sandbox without the
    app's data, secrets and database. Once it is built, a release belongs to root.
  - The module starts the release on a socket of its own, repeats the health check until it succeeds, and renames
    C(/srv/<app>/current). Then it restarts the app's other processes and stops the previous release, which finishes its
    requests.
  - When a step fails, the release that was served stays in service, and the module restores its units and processes. It
    moves the candidate to C(/srv/<app>/failed), which keeps the newest two. They cannot be rollback targets.
  - A failed first deployment leaves the users, the directories, the data and the candidate, and no unit. The next run
    continues from there. O(state=absent) removes all of it, except for the data.
  - In check mode the module computes the identifier and inspects the host, but changes nothing.
  - A run that takes longer than 10 seconds displays its phases while it works. Each deployment and removal is recorded
    on the host, also one that failed. M(gatehouse.django.django_status) returns the record.
notes:
  - Only one run at a time changes an app. Another run waits up to 60 seconds for the lock
    C(/run/gatehouse/locks/app-<app>).
  - A run can be killed at any moment. Either the previous or the new release is served then, and the next run cleans up
    after the interrupted one.
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
  - gatehouse.django.proxy
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The diff names the releases and shows the unit files. It never contains environment or settings.
options:
  app:
    description: Name of the app, a slug like V(shop).
    type: str
    required: true
  entry:
    description:
      - The entry of C(django_apps) with the options. The module refuses unknown keys in it, and keys that another
        variable overrides.
    type: dict
    default: {}
  state:
    description:
      - V(absent) stops all processes of the app and removes its units, releases and users. Its data stays and then
        belongs to root, unless O(remove_data=true).
    type: str
    choices: [present, absent]
    default: present
  remove_data:
    description: With O(state=absent), also remove the app's data. This cannot be undone and needs O(confirm).
    type: bool
    default: false
  confirm:
    description:
      - The name of the app, to confirm that its data may be removed. Without it, the module refuses O(remove_data=true)
        while the host has data of the app, and check mode warns.
    type: str
    default: ""
  source:
    description:
      - The source of the code. Set exactly one of C(git), C(directory), C(archive) and C(pypi).
      - Required when O(state=present).
    type: dict
    suboptions:
      git:
        description:
          - URL of a git repository, which the host clones. A user and password in an C(https) URL are used and never
            shown.
        type: str
      deploy_key:
        description:
          - Private key for an C(ssh) URL, as text. Only C(git) reads it, in a transient unit, and the host does not
            store it.
        type: str
      known_hosts:
        description: Lines of C(known_hosts) for the git servers. Required with C(deploy_key).
        type: str
      credentials:
        description:
          - The access to other private repositories than O(source.git), such as its submodules and those that the list
            of dependencies names. Each applies to its URL only.
        type: list
        elements: dict
        default: []
        suboptions:
          url:
            description:
              - The URL of a repository, or one that ends with C(/), for all repositories below it. A user and password
                in an C(https) URL are used and never shown.
            type: str
            required: true
          deploy_key:
            description: Private key for an C(ssh) URL, as for O(source.deploy_key).
            type: str
      submodules:
        description: Whether to check out the submodules of the repository, and their submodules.
        type: bool
        default: true
      lfs:
        description:
          - Whether to fetch the files that the repository stores with Git LFS. V(true) installs C(git-lfs); V(false)
            deploys pointers instead of these files. Without this option, a repository with such files is refused.
        type: bool
      version:
        description: Branch, tag or full commit of the git repository. Defaults to its default branch.
        type: str
      directory:
        description:
          - A directory on the controller, which needs git. The files that git tracks are deployed, and those that
            C(git add) would add, except for files of development, like C(.env), C(node_modules), virtual environments,
            C(db.sqlite3) and collected files.
        type: str
      exclude:
        description:
          - Patterns of gitignore(5) for files of O(source.directory) that are not deployed, even if git tracks them.
            V(!.env) deploys a file of development.
        type: list
        elements: str
        default: []
      archive:
        description: A tar or zip file on the controller, or a URL, which the host downloads.
        type: str
      checksum:
        description: The archive's checksum as C(algorithm:digest). Required for a URL.
        type: str
      pypi:
        description: A package that is itself the Django project, as C(name==version).
        type: str
      subdirectory:
        description: The directory of the project in the source.
        type: str
        default: ""
  settings_module:
    description: The project's settings module. Required when O(state=present).
    type: str
  interface:
    description: The interface of the application.
    type: str
    choices: [wsgi, asgi]
    default: wsgi
  application:
    description:
      - The application as C(module:name). Defaults to that of the project, like V(shop.wsgi:application) when
        O(settings_module) is V(shop.settings), and V(wsgi:application) when it is V(settings).
    type: str
    default: ""
  prefix:
    description:
      - The path below which a site serves the app, such as V(/shop/). Requests, URLs, static files and cookies then
        have this prefix, and the project does not need to know it. Another prefix makes another release.
    type: str
    default: ""
  python:
    description:
      - The Python of the app. A version like V(3.12) or V(3.12.4) is that of the host if it has it; otherwise C(uv)
        installs it. A name or path is an interpreter of the host.
    type: str
    default: python3
  python_downloads:
    description:
      - Where C(uv) gets interpreters. A list of downloads in C(uv)'s JSON format, as a path on the controller or as a
        URL that ends with C(.json) and that the host reads. Each download needs its C(sha256). Any other URL is a
        mirror of C(uv)'s own builds. Defaults to their usual address.
    type: str
    default: ""
  packages:
    description: Debian packages that the app needs, in addition to those that every release needs.
    type: list
    elements: str
    default: []
  requirements:
    description: Requirements to install in addition to those of the project.
    type: list
    elements: str
    default: []
  requirements_file:
    description:
      - The list of dependencies to install, as a path relative to the project's directory. By default it is the nearest
        one, searched from the project's directory upwards.
    type: str
    default: ""
  groups:
    description: Dependency groups of the project to install. Groups of development are not installed by default.
    type: list
    elements: str
    default: []
  extras:
    description: Extras (optional dependencies) of the project to install.
    type: list
    elements: str
    default: []
  constraints:
    description:
      - Limits for the versions of a list that names no exact ones, like V(urllib3<3), or a file of the project's
        directory that ends with C(.txt).
    type: list
    elements: str
    default: []
  database:
    description:
      - V(postgresql), or a dictionary with the keys C(engine), C(extensions), C(connections) and C(adopt). Sets
        C(DATABASE_URL). The role P(gatehouse.django.django_app#role) makes the database before the deployment.
      - With the key C(host), a host of the inventory, it is a database on that host.
      - A project whose C(DATABASES) does not use it is refused. By default, an app has SQLite, or what its own
        C(DATABASE_URL) names.
    type: raw
    default: ""
  services:
    description:
      - The generated passwords of the app's services on other hosts, by option. The role sets it.
    type: dict
    default: {}
  environment:
    description: Environment variables of the app.
    type: dict
    default: {}
  secrets:
    description: Secret environment variables. Their values are hidden in the output.
    type: dict
    default: {}
  settings:
    description: Django settings that override the project's own.
    type: dict
    default: {}
  files:
    description: Files to write into the project's directory, as a dictionary of contents by relative path.
    type: dict
    default: {}
  build_environment:
    description: Environment variables for C(git), C(pip), C(uv) and the commands of O(build).
    type: dict
    default: {}
  node:
    description:
      - The major version of Node.js for O(build), V(20), V(22) or V(24). The module installs a pinned version of it
        from PyPI, which all apps of the host share. By default, O(build) uses the host's Node.js, if it has one.
    type: str
    default: ""
  build:
    description:
      - Commands that build parts of the source, like V(npm ci) and V(npm run build), before C(collectstatic). They are
        written like O(processes[].command), and V(manage.py) runs with the Python of the virtual environment.
      - They run in the project's directory as C(<app>-build), without the app's data and secrets. They can write to the
        source, and see the variables of O(environment) and O(build_environment), and placeholders for O(secrets).
        Directories C(node_modules) that they create do not stay in the release.
      - A command that has not finished after an hour is stopped, and so are those of O(release_commands) and
        O(first_commands). Only migrations may take longer.
    type: list
    elements: str
    default: []
  release_commands:
    description:
      - Commands that run after C(collectstatic) and C(migrate) and before the release is served, like
        V(manage.py compress). They run as the app's user in the sandbox of its services, and can write to the app's
        data and to the static files of the release.
    type: list
    elements: str
    default: []
  first_commands:
    description:
      - Commands that run once for each database, after the release is served, like V(manage.py loaddata initial). They
        run like O(release_commands). The database records each of them.
      - Of several hosts that deploy at the same time with one database, one runs a command. The others wait until it
        has ended, and one of them runs it again if it failed.
    type: list
    elements: str
    default: []
  admin:
    description:
      - An account to create once for each database, with the fields that C(createsuperuser) needs, usually C(username),
        C(email) and C(password). An account that exists already stays unchanged.
    type: dict
    default: {}
  writable:
    description:
      - Directories in the project to which the app writes. Each becomes a link to the same path in the app's data,
        which first gets the files that the project has there. A directory that the project does not have is made, also
        with C(pypi) as the source.
    type: list
    elements: str
    default: []
  workers:
    description: The number of gunicorn workers. V(0) means the number of CPUs plus one.
    type: int
    default: 0
  threads:
    description: Threads of each worker, with O(interface=wsgi).
    type: int
    default: 4
  timeout:
    description:
      - Seconds after which gunicorn replaces a worker that does not respond. It also limits the import of the project
        and the time that a stopping release has to finish its requests.
    type: int
    default: 30
  health_path:
    description: The path of the health check.
    type: str
    default: /
  health_host:
    description: The C(Host) header of the health check. Defaults to the first name in C(ALLOWED_HOSTS).
    type: str
    default: ""
  health_status:
    description: The status codes of a healthy release. Defaults to C(200) to C(399).
    type: list
    elements: int
    default: []
  check_deploy:
    description:
      - The lowest level of a finding of C(check --deploy) that fails the deployment. With V(never), the checks run, and
        no finding and no exception of a check fails it.
    type: str
    choices: [DEBUG, INFO, WARNING, ERROR, CRITICAL, never]
    default: ERROR
  check_ignore:
    description:
      - Identifiers of checks that do not fail the deployment, like V(security.W004), because they need the running app.
        If one of them fails before the switch, the module repeats it after the switch, when the app's processes run,
        and warns if it still fails.
    type: list
    elements: str
    default: []
  migrate_databases:
    description: The aliases in C(DATABASES) of the databases to migrate.
    type: list
    elements: str
    default: [default]
  migration_snapshots:
    description:
      - Whether to make a snapshot of these databases before migrations that are not applied yet, with which
        M(gatehouse.django.django_rollback) takes them back. If one cannot be made, for lack of space for example, the
        databases are not migrated and the deployment fails.
      - PostgreSQL is dumped with C(pg_dump), and SQLite is copied with C(VACUUM INTO). Snapshots are in C(snapshots) of
        the app's directory, for root only, as long as the release is kept that was served when they were made.
      - Databases on another host, of another role than that of the app's name, and files outside of the app's C(data)
        get none, and the module warns of it.
    type: bool
    default: true
  rehearse:
    description:
      - Whether to rehearse the migrations of a release on a copy of the data before anything live is touched, C(true)
        or C(false). A migration that fails there fails the deployment.
      - A dictionary does so, and says what else fails the deployment. C(refuse_locks_over) is how long a migration may
        hold a lock that lets visitors wait, like V(5s), V(500ms) or V(2min). With C(refuse_new_errors), pages that
        work now must also work with the new release, and the release that is served must work with the new data.
      - A rehearsal takes a copy of the whole databases for each release with migrations. Databases of the host's own
        PostgreSQL and files of SQLite can be copied; for others, the deployment fails.
    type: raw
    default: false
  hosts:
    description:
      - The hosts of the inventory that serve the app together - a group, a pattern, or a list of hosts. Playbook
        C(gatehouse.django.site) deploys the app to these hosts only. If there are several, it deploys a release to all
        of them or to none; see C(docs/fleet.md).
      - The module itself works on one host and only checks that the inventory has these hosts.
      - Empty for every host of the play, each with the app for itself.
    type: raw
    default: ""
  serial:
    description: The number of O(hosts) that switch to a release at the same time.
    type: int
    default: 1
  step:
    description:
      - The step of a deployment to several hosts. Role C(gatehouse.django.django_app) has each step end on all of them
        before the next one begins.
      - V(build) builds the release and checks it; V(migrate) migrates the databases; V(start) starts the release beside
        the one that is served, and checks its health; V(switch) puts it into service; V(cancel) ends a release that is
        not served.
      - V(all) does all of them, for one host.
      - V(options) checks the options on the controller, and does nothing on the host.
    type: str
    choices: [all, options, build, migrate, start, switch, cancel]
    default: all
  candidate:
    description: What step V(build) has returned as RV(candidate). The other steps need it.
    type: dict
    default: {}
  keep_releases:
    description: The number of releases to keep, at least 2.
    type: int
    default: 5
  media_group:
    description: The group of nginx's workers, which can read the app's media files.
    type: str
    default: www-data
  processes:
    description: Long-running processes besides the web processes. Each is a unit C(<app>-<name>.service).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: A lower-case letter, then up to 29 of lower-case letters, digits and C(_).
        type: str
        required: true
      command:
        description: A program and its arguments, quoted as in a shell. No shell runs it.
        type: str
        required: true
      stop_timeout:
        description: Seconds between C(SIGTERM) and C(SIGKILL).
        type: int
        default: 60
      run_on:
        description:
          - On which of O(hosts) it runs. With V(one), role C(gatehouse.django.django_app) keeps it on exactly one of
            them, such as a scheduler that must not run twice. It moves when that host leaves O(hosts).
        type: str
        choices: [all, one]
        default: all
  timers:
    description: Scheduled jobs. Each is a pair of units, C(<app>-<name>.timer) and its C(.service).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: As for O(processes[].name). A process and a timer cannot have the same name.
        type: str
        required: true
      command:
        description: As for O(processes[].command).
        type: str
        required: true
      on_calendar:
        description: A calendar expression of systemd.time(7).
        type: str
        required: true
      timeout:
        description: Seconds after which a running job is stopped.
        type: int
        default: 3600
      run_on:
        description:
          - On which of O(hosts) it runs. With V(one), role C(gatehouse.django.django_app) keeps it on exactly one of
            them, such as a scheduler that must not run twice. It moves when that host leaves O(hosts).
        type: str
        choices: [all, one]
        default: all
  sandbox:
    description: Directives of systemd.exec(5) that replace those of the sandbox. C(ReadWritePaths) are added.
    type: dict
    default: {}
  cache:
    description:
      - V(valkey), or a dictionary with C(engine) and C(memory), for an app with a cache of its own. The module sets
        C(CACHE_URL) and C(REDIS_URL). The role C(gatehouse.django.django_app) makes the instance, with the key
        C(host) on another host of the inventory.
    type: raw
    default: {}
  broker:
    description:
      - The same for a broker, and C(BROKER_URL).
    type: raw
    default: {}
  limits:
    description: Limits for all processes of the app together.
    type: dict
    suboptions:
      memory:
        description: A percentage of the host's memory, or an amount like V(2G).
        type: str
        default: 75%
      cpu:
        description: The weight of the app when others need the CPUs, too.
        type: int
        default: 100
      tasks:
        description: Number of processes and threads.
        type: int
        default: 2048
      open_files:
        description: Number of open files of each process.
        type: int
        default: 65536
  backup:
    description:
      - Is checked here, and set up by M(gatehouse.django.django_backup).
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
  plan:
    description: Set by the action plugin. Leave it out.
    type: dict
  upload:
    description: Set by the action plugin. Leave it out.
    type: path
  private:
    description: Set by the action plugin. Leave it out.
    type: str
  run:
    description: Set by the action plugin. Leave it out.
    type: dict
    suboptions:
      id:
        description: Identifies the run in the file with its phases.
        type: str
        default: ""
      by:
        description: The user of the controller, for the history.
        type: str
        default: ""
seealso:
  - module: gatehouse.django.django_rollback
  - module: gatehouse.django.django_status
  - module: gatehouse.django.nginx_config
"""

EXAMPLES = r"""
- name: Deploy an app
  gatehouse.django.django_release:
    app: shop
    source:
      git: https://example.com/shop.git
      version: v1.2
    settings_module: shop.settings

- name: Remove the app and keep its data
  gatehouse.django.django_release:
    app: shop
    state: absent
"""

RETURN = r"""
id:
  description: The release's identifier. Empty when it depends on a git commit and the host has no git yet.
  returned: when the state is present
  type: str
  sample: 1f0c8d2e4b6a-90ab12cd
path:
  description: The release's directory.
  returned: when the state is present
  type: str
  sample: /srv/shop/releases/1f0c8d2e4b6a-90ab12cd
valkey_instances:
  description: The cache and the broker of the app, in the form of M(gatehouse.django.valkey_instances).
  returned: when the state is present
  type: list
  elements: dict
  sample: []
services:
  description: The app's services on other hosts, by option, for the role.
  returned: when the state is present
  type: dict
  sample: {}
former_services:
  description:
    - The services on other hosts that no release of the app uses any more, each with its C(host), as the inventory
      calls it, its C(kind), and the C(mark) by which this host remembers it. The role ends its access there.
  returned: success
  type: list
  elements: dict
  sample: []
unused_instances:
  description: Those that the host has and the options do not name, with the state that they should have.
  returned: success
  type: list
  elements: dict
  sample: []
candidate:
  description: The release that step V(build) has built, for the later steps.
  returned: with O(step) other than V(all), if something is left to do
  type: dict
  sample: {id: 1f0c8d2e4b6a-90ab12cd, revision: 1f0c8d2e4b6a, is_complete: false, last_served: 0.0}
static_names:
  description:
    - Digests of the names of the release's static files, by what has made them. The role compares them between the
      hosts. Empty for a release that was built for one host.
  returned: with O(step) other than V(all)
  type: dict
  sample: {build: 0e9f3c5d, release_commands: 4f53cda1}
app:
  description: The name of the app.
  returned: when the state is present
  type: str
  sample: shop
runs_once:
  description: Whether the processes and timers with C(run_on=one) run on this host.
  returned: when the state is present
  type: bool
drained:
  description: Since when the host is drained, as M(gatehouse.django.django_status) returns it. Null if it is not.
  returned: when the state is present
  type: dict
step:
  description: The step that was run.
  returned: when the state is present
  type: str
  sample: all
hosts:
  description: The hosts that serve the app together. Empty if each has the app for itself.
  returned: when the state is present
  type: list
  elements: str
  sample: [web1, web2]
current:
  description: The release that is served. Empty if the app serves none.
  returned: success
  type: str
pending:
  description: Whether the host differed from the requested state before the run.
  returned: when the state is present
  type: bool
before:
  description: The release that was served before the run. Empty if the app served none.
  returned: success
  type: str
python_version:
  description: The version of the Python interpreter.
  returned: when the state is present
  type: str
  sample: 3.13.5
cpus:
  description: The number of CPUs that a process of the host can use.
  returned: when the state is present
  type: int
  sample: 2
database:
  description: The database that the app needs, as an element of C(postgresql_databases).
  returned: with O(database)
  type: dict
  sample: {name: shop, extensions: [pg_trgm], connections: 40, adopt: false}
missing_packages:
  description:
    - The Debian packages that were not installed before the run. They include C(brotli) when the host's nginx can send
      files that are compressed with it.
  returned: when the state is present
  type: list
  elements: str
revision:
  description: The revision of the source. Empty when it is a git commit and the host has no git yet.
  returned: when the state is present
  type: str
configuration:
  description: A digest of all that makes the release except its source and its Python.
  returned: when the state is present
  type: str
  sample: 8d51f0a2c93e
phases:
  description: The duration of each phase in seconds. After a failure, the last phase is the one that failed.
  returned: when the run changed something or tried to
  type: dict
  sample: {source: 0.1, dependencies: 1.4, check: 0.2, migrate: 0.1, health: 0.9, steady: 2.1}
snapshot:
  description:
    - The snapshot of the databases that was made before their migrations - its directory, its seconds and bytes, and
      the migrations. Empty if none was made. M(gatehouse.django.django_rollback) takes the databases back to it.
  returned: when the run changed something
  type: dict
  sample:
    path: /srv/shop/snapshots/20261126T180102Z
    seconds: 3.2
    bytes: 12100000
    migrations: [shop.0004_discount]
way_back:
  description: What is said of the snapshot before migrations; in check mode, that one would be made. Empty without one.
  returned: when something changed or would change
  type: str
dependencies:
  description: The project's list of dependencies that was installed, with its groups and extras.
  returned: when the release is built
  type: str
  sample: "uv.lock (groups: production)"
pages:
  description:
    - What is wrong with the first page, one sentence for each problem. After it has put a release into service, the
      module requests C(/) on the release's own socket, follows redirects to the same host and to other names of the
      app's sites, and looks for the static files that the page refers to. A problem is a warning and no failure.
  returned: when the run changed something
  type: list
  elements: str
rehearsal:
  description:
    - What the rehearsal of the migrations found, one line each. In check mode, that there would be one.
  returned: with O(rehearse), when migrations were rehearsed
  type: list
  elements: str
  sample: ["shop.0042_names: 31.2 s; holds ACCESS EXCLUSIVE on shop_order for 31.1 s; rewrites shop_order"]
has_backup:
  description: Whether the host makes backups of the app, as M(gatehouse.django.django_backup) sets them up.
  returned: success
  type: bool
check:
  description: The output of C(check --deploy), if it did not fail.
  returned: when the release is built
  type: str
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._app import (
    accounts,
    backup_record,
    calendars,
    directories,
    drained,
    first,
    former_access,
    interrupted_restore,
    later_checks,
    static_names,
    unused,
)
from ansible_collections.gatehouse.django.plugins.module_utils._app.activation import Switch
from ansible_collections.gatehouse.django.plugins.module_utils._app.build import Build
from ansible_collections.gatehouse.django.plugins.module_utils._app.builder import Builder
from ansible_collections.gatehouse.django.plugins.module_utils._app.fetch import fetcher
from ansible_collections.gatehouse.django.plugins.module_utils._app.git import check_access, git_commit
from ansible_collections.gatehouse.django.plugins.module_utils._app.history import History
from ansible_collections.gatehouse.django.plugins.module_utils._app.in_service import (
    clean_up_interrupted_run,
    in_service,
    retire,
    stray_units,
)
from ansible_collections.gatehouse.django.plugins.module_utils._app.interpreter import Interpreter, choose
from ansible_collections.gatehouse.django.plugins.module_utils._app.layout import App
from ansible_collections.gatehouse.django.plugins.module_utils._app.managed_python import ManagedPythons
from ansible_collections.gatehouse.django.plugins.module_utils._app.node import prune_node
from ansible_collections.gatehouse.django.plugins.module_utils._app.packages import missing
from ansible_collections.gatehouse.django.plugins.module_utils._app.params import Candidate, Params, Private, Rehearse
from ansible_collections.gatehouse.django.plugins.module_utils._app.progress import Progress
from ansible_collections.gatehouse.django.plugins.module_utils._app.removal import removable, remove, unconfirmed
from ansible_collections.gatehouse.django.plugins.module_utils._app.report import Report
from ansible_collections.gatehouse.django.plugins.module_utils._app.source import Fetch
from ansible_collections.gatehouse.django.plugins.module_utils._app.source_python import required_pythons
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import (
    ARGUMENT_SPEC,
    CONFIGURATION_CHARACTERS,
    REQUIRED_IF,
)
from ansible_collections.gatehouse.django.plugins.module_utils._app.store import prune
from ansible_collections.gatehouse.django.plugins.module_utils._app.tools import ReleaseError, Tools, die_with_parent
from ansible_collections.gatehouse.django.plugins.module_utils._app.units import Units
from ansible_collections.gatehouse.django.plugins.module_utils._app.unused_instances import unused_instances
from ansible_collections.gatehouse.django.plugins.module_utils._backup import migration_snapshots
from ansible_collections.gatehouse.django.plugins.module_utils._backup.before_migration import BeforeMigration
from ansible_collections.gatehouse.django.plugins.module_utils._core.disk_space import with_lack
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import (
    Attempt,
    explain_failures,
    printable,
)
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._core.paths import TOOLS_DIRECTORY
from ansible_collections.gatehouse.django.plugins.module_utils._core.run import run_bounded
from ansible_collections.gatehouse.django.plugins.module_utils._core.valkey import KINDS
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import describe, nginx_program

if TYPE_CHECKING:
    from ansible_collections.gatehouse.django.plugins.module_utils._app.staged_build import StagedBuild

WOULD_REHEARSE = "If the new release has migrations, they would be rehearsed on a copy of the data first."
# Variables of the build environment that root's own downloads use: proxies and certificate authorities.
NETWORK_VARIABLES = re.compile(
    r"(?:https?|ftp|all|no)_proxy|(?:HTTPS?|FTP|ALL|NO)_PROXY|(?:SSL|PIP)_CERT(?:_FILE)?|PIP_\w+"
)


def resolve_revision(builder: Builder, params: Params, private: Private) -> str:
    """Return the revision of the source; empty if it needs git and git is not installed."""
    known = params["plan"]["revision"]
    if known or not params["source"].get("git") or shutil.which("git") is None:
        return known
    return git_commit(builder, params["source"], private["access"])


def packages_to_install(module: AnsibleModule, tools: Tools, packages: list[str]) -> list[str]:
    """Return the packages to install; brotli only if nginx can send such files."""
    return missing(tools, [*packages, *(["brotli"] if sends_brotli(module) else [])])


def sends_brotli(module: AnsibleModule) -> bool:
    """Return whether the host's nginx can send files that are compressed with brotli."""
    return bool(describe(module.run_command, nginx_program(module.get_bin_path))["brotli_static"])


def problems_of_first_page(module: AnsibleModule, units: Units, identifier: str) -> list[str]:
    """Return what is wrong with the first page of the release that is served."""
    from ansible_collections.gatehouse.django.plugins.module_utils._doctor import first_page

    return first_page.problems(module.run_command, nginx_program(module.get_bin_path), units, identifier)


def pages_of_visitors(module: AnsibleModule) -> list[tuple[str, str]]:
    """Return pages that visitors of the app have requested lately: host and path."""
    from ansible_collections.gatehouse.django.plugins.module_utils._doctor.recent_pages import recent_pages

    return recent_pages(module.run_command, nginx_program(module.get_bin_path), module.params["app"])


def identify(revision: str, digest: str, python: str) -> str:
    """Return the identifier of the release. It depends on the interpreter's identity, as the environment does."""
    return f"{revision[:12]}-{hashlib.sha256(f'{digest} {python}'.encode()).hexdigest()[:8]}" if revision else ""


def pending(tools: Tools, units: Units, identifier: str, params: Params) -> bool:
    """Return whether the host differs from the requested state."""
    app = units.app
    return (
        bool(params["missing_packages"])
        or not app.is_complete(identifier)
        or bool(accounts.outdated(app))
        or bool(directories.outdated(app, params["media_group"]))
        or not in_service(units, identifier)
        or not first.is_done(app.release(identifier), params["plan"])
        or bool(stray_units(tools, app, identifier))
        or bool(app.prunable_releases(identifier, params["keep_releases"]))
    )


def rehearse(
    build: Build, options: Rehearse, result: dict[str, object], pages: Callable[[], list[tuple[str, str]]]
) -> None:
    """Have the migrations of *build* rehearsed if the *options* say so, before what else is called before migrations.

    *pages* returns what visitors have requested lately. Clean up after a rehearsal that was killed.
    """
    if not options and not os.path.lexists(build.app.copies):
        return
    # Each run on a host compiles what it imports, so what few runs need is imported there.
    from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.rehearsal import Rehearsal

    rehearsal = Rehearsal(build.tools, build.app)
    rehearsal.clean_up()
    if not options:
        return

    def before_migration(build: Build, found: Report) -> None:
        with build.tools.phase("rehearsal"):
            rehearsal.run(build, found, options, pages())
        result["rehearsal"] = list(map(build.tools.conceal, rehearsal.lines))
        if then:
            then(build, found)

    then, build.before_migration = build.before_migration, before_migration


def deploy(
    build: Build,
    interpreter: Interpreter,
    fetch: Fetch,
    module: AnsibleModule,
    snapshots: BeforeMigration,
) -> list[str]:
    """Build the release and put it into service, as far as necessary; return what is wrong with its first page."""
    app, units = build.app, Units(build.tools, build.app)
    prepare_host(build, units)
    if not app.is_complete(build.id):
        with units.limited(build.plan["units"]):
            build.run(interpreter, fetch)
        snapshots.migrated(build)
    else:
        restore_interpreter(build, units, interpreter)
    return put_into_service(build, units, module)


def deploy_step(
    build: Build,
    interpreter: Interpreter,
    fetch: Fetch,
    module: AnsibleModule,
    snapshots: BeforeMigration,
) -> list[str]:
    """Do one step of the deployment to several hosts; return what is wrong with the first page after the last one."""
    from ansible_collections.gatehouse.django.plugins.module_utils._app import fleet_steps

    app, units, step = build.app, Units(build.tools, build.app), build.params["step"]
    staged = cast("StagedBuild", build)
    if step == "build":
        prepare_host(build, units)
        if not app.is_complete(build.id):
            with units.limited(build.plan["units"]):
                staged.prepare(interpreter, fetch)
        else:
            restore_interpreter(build, units, interpreter)
    elif step == "migrate" and not app.is_complete(build.id):
        with units.limited(build.plan["units"]):
            staged.migrate()
        snapshots.migrated(build)
    elif step == "start":
        fleet_steps.start(staged, units)
    elif step == "cancel":
        fleet_steps.cancel(staged, units)
    return put_into_service(build, units, module, is_proved=True) if step == "switch" else []


def restore_interpreter(build: Build, units: Units, interpreter: Interpreter) -> None:
    """Install the interpreter of a complete release again if the host has lost it."""
    if build.shared.pythons.needs(interpreter):
        build.shared.python(interpreter)
        if not in_service(units, build.id):
            # Without its interpreter, systemd restarted it again and again. The switch needs a process that stays.
            build.tools.attempt(["systemctl", "stop", build.app.unit(build.id, "service")])


def class_of_build(step: str) -> type[Build]:
    """Return the class of a build, which is made in steps if the deployment to several hosts asks for one of them."""
    if step == "all":
        return Build
    # Each run on a host compiles what it imports, so what few runs need is imported there.
    from ansible_collections.gatehouse.django.plugins.module_utils._app.staged_build import StagedBuild

    return StagedBuild


def prepare_host(build: Build, units: Units) -> None:
    """Make the users and directories of the app, and clean up after a run that was killed."""
    accounts.ensure(build.tools, build.app)
    directories.ensure(build.app, build.params["media_group"])
    build.builder.stop()
    clean_up_interrupted_run(build.tools, units, build.plan["units"])


def put_into_service(build: Build, units: Units, module: AnsibleModule, *, is_proved: bool = False) -> list[str]:
    """Switch to the complete release, and remove what is not needed any more; return what is wrong with its page.

    One that *is_proved* already answers beside the release that is served.
    """
    tools, app = build.tools, build.app
    is_switched = not in_service(units, build.id)
    if is_switched:
        switch = Switch(tools, units, build.id)
        if is_proved:
            switch.resume()
        else:
            switch.run()
    else:
        retire(tools, app, build.id)
    if not first.is_done(build.path, build.plan):
        first.run_first(tools, build.user, build.plan["first_commands"], build.private["admin"])
    problems = []
    if is_switched:
        with tools.phase("pages"):
            problems = problems_of_first_page(module, units, build.id)
    former_access.remember(app)
    prune(app, build.id, build.params["keep_releases"])
    migration_snapshots.prune(app)
    prune_node(TOOLS_DIRECTORY, app.name)
    build.shared.pythons.prune()
    return problems


def candidate(app: App, identifier: str, params: Params, before: str) -> Candidate:
    """Return what the later steps of a deployment to several hosts need to know of the release that was built."""
    return {
        "id": identifier,
        "revision": params["plan"]["revision"],
        "run": params["run"]["id"],
        "before": before,
        "served": {"release": before, "configuration": app.configuration(before)},
        "is_complete": app.is_complete(identifier),
        "last_served": app.last_served(identifier),
    }


def has_snapshots(app: App, params: Params) -> bool:
    """Return whether a snapshot is made before migrations: there is a way back only to a release."""
    return bool(params["migration_snapshots"] and app.current())


def way_back(app: App, params: Params, identifier: str) -> str:
    """Return what a run that only looks says of the snapshot before migrations; empty if there will be none."""
    if not has_snapshots(app, params) or app.is_complete(identifier):
        return ""
    return "a snapshot of the databases is made first if the release has migrations that are not applied yet"


def warnings_of(build: Build) -> list[str]:
    """Return the warnings about the release that *build* made: unused variables, and checks that still fail."""
    found = [unused.explain(name, build.private["variables"][name]) for name in build.unused]
    if build.ignored_checks:
        with build.tools.phase("later_checks"):
            processes = Units(build.tools, build.app).processes(build.plan["units"])
            found += later_checks.problems(build.user, build.ignored_checks, has_processes=bool(processes))
    return found


def migration_warning(app: App, identifier: str) -> str:
    """Return a warning if the release predates migrations of the current one."""
    current = app.current()
    if identifier == current or not app.is_complete(identifier) or not app.is_complete(current):
        return ""
    newer = app.migrations_between(identifier, current)
    return f"{app.name}: release {identifier} predates the migrations {', '.join(newer)}" if newer else ""


def differences(
    units: Units, before: str, after: str, planned: dict[str, str], packages: list[str]
) -> list[dict[str, str]]:
    """Return the diff: packages, the release, and unit files."""
    found = [{"before": f"{before}\n" if before else "", "after": f"{after or 'a new release'}\n"}]
    if packages:
        names = "".join(f"{name}\n" for name in packages)
        found.append({"before_header": "packages", "after_header": "packages", "before": "", "after": names})
    own = units.on_host()
    for path in sorted({*own, *planned}):
        if own.get(path) != planned.get(path):
            texts = {"before": own.get(path, ""), "after": planned.get(path, "")}
            found.append({"before_header": path, "after_header": path, **texts})
    return found


def absent(module: AnsibleModule) -> None:
    """Remove the app from the host."""
    tools, app = Tools(die_with_parent(run_bounded), {}), App(module.params["app"])
    units, before, data = Units(tools, app), app.current(), module.params["remove_data"]
    history = History(app.name, module.params["run"]["by"])
    attempt = Attempt(f"removing the app {app.name}", lambda: app.state_of_service(before))
    with explain_failures(module, attempt):
        try:
            accounts.check(app, is_needed=False)
            former = former_access.unused(app, removed=app.all_releases())
            found = removable(units, data=data)
            if data and (message := unconfirmed(app, module.params["confirm"])):
                if not module.check_mode:
                    raise ReleaseError(message)
                module.warn(message)
            if found and not module.check_mode:
                from ansible_collections.gatehouse.django.plugins.module_utils._rehearsal.rehearsal import Rehearsal

                # The run that finishes a removal which was killed finds no release any more that names its services.
                former_access.remember(app)
                with locked(f"app-{app.name}"), history.recorded("remove", before, ""):
                    Rehearsal(tools, app).clean_up()
                    remove(tools, units, data=data)
                    ManagedPythons(tools).prune()
        except (ReleaseError, LockError, OSError) as error:
            module.fail_json(f"{app.name}: {printable(with_lack(error))}\n{app.state_of_service(before)}")
        if history.problem:
            module.warn(history.problem)
        diff = {"before": "".join(f"{one}\n" for one in found), "after": ""}
        answer = {
            "unused_instances": unused_instances(app, (), data=data),
            "former_services": former,
            "has_backup": backup_record.is_due(app.name),
        }
        module.exit_json(changed=bool(found), before=before, current=app.current(), diff=diff, **answer)


def is_local(given: object) -> bool:
    """Return whether an option like `cache` asks for an instance on this host."""
    return bool(given) and not host_of(given)


def host_of(given: object) -> str:
    """Return the host of an option like `database`; empty for this host."""
    return str(given.get("host") or "") if isinstance(given, dict) else ""


def present(module: AnsibleModule) -> None:
    """Inspect the host, and deploy if necessary."""
    params: Params = module.params
    private: Private = json.loads(module.params["private"] or "{}")
    if not private:
        module.fail_json(
            "django_release needs its action plugin: call it as a task, not as a bare module. Nothing was changed."
        )
    plan = params["plan"]
    look_only = module.check_mode or plan["look_only"]
    os.environ.update(
        {name: text for name, text in private["build_environment"].items() if NETWORK_VARIABLES.fullmatch(name)}
    )
    app, progress = App(params["app"]), Progress(params["app"], "" if look_only else params["run"]["id"])
    tools = Tools(die_with_parent(run_bounded), {}, private["hidden"], progress.enter)
    history = History(app.name, params["run"]["by"], tools.conceal)
    units, before = Units(tools, app), app.current()
    builder = Builder(tools, app, private["build_environment"])
    attempt = Attempt(f"deploying the app {app.name}", lambda: app.state_of_service(before), tools.conceal)
    snapshots = BeforeMigration(app)
    result: dict[str, Any] = {"before": before, "runs_once": units.runs_once, "drained": drained.read()}
    with explain_failures(module, attempt):
        try:
            accounts.check(app)
            # The restore before the first release, which looks at the app first, goes on itself.
            if not (look_only and interrupted_restore.is_before_first_release(app.name)):
                interrupted_restore.check(app.name)
            directories.check(app, params["media_group"])
            units.check_foreign(plan["units"])
            calendars.check(tools, plan["calendars"])
            python = private["python"]
            interpreter = choose(tools, params["python"], python, fetcher(python["authorization"]))
            to_install = ManagedPythons(tools).needs(interpreter)
            params["python_version"] = interpreter.version
            # This run does not hold the lock yet: another one may be building.
            lookup_builder = Builder(tools, app, private["build_environment"], f"-{os.getpid()}")
            plan["revision"] = resolve_revision(lookup_builder, params, private)
            params["missing_packages"] = packages_to_install(module, tools, plan["packages"]) if look_only else []
            result |= {name: params[name] for name in ("python_version", "missing_packages")}
            result["configuration"] = plan["digest"][:CONFIGURATION_CHARACTERS]
            result |= {"revision": plan["revision"], "cpus": len(os.sched_getaffinity(0))}
            identifier = identify(plan["revision"], plan["digest"], interpreter.identity)
            result["changed"] = result["pending"] = to_install or pending(tools, units, identifier, params)
            if look_only and not app.is_complete(identifier):
                warning = check_access(lookup_builder, params["source"], private["access"])
                if warning and module.check_mode:
                    module.warn(warning)
                if identifier:
                    result["required_pythons"] = required_pythons(lookup_builder, params, private)
            if look_only and params["rehearse"] and before and not app.is_complete(identifier):
                result["rehearsal"] = [WOULD_REHEARSE]
            if result["changed"] and look_only:
                names = [*params["missing_packages"], *([f"Python {interpreter.version} of uv"] if to_install else [])]
                result["diff"] = differences(units, before, identifier, plan["units"], names)
                if message := migration_warning(app, identifier):
                    module.warn(message)
                result["way_back"] = way_back(app, params, identifier)
            if result["changed"] and not look_only:
                tools.enter("lock")
                is_last = params["step"] in ("all", "switch")
                recorded = history.recorded("deploy", before, identifier, is_last=is_last)
                with locked(f"app-{app.name}"), recorded as event:
                    if params["step"] != "cancel":
                        # One can have begun while this run waited.
                        interrupted_restore.check_none(app.name)
                    event["revision"] = plan["revision"]
                    build = class_of_build(params["step"])(tools, app, builder, identifier, params, private)
                    if has_snapshots(app, params):
                        build.before_migration = snapshots
                    rehearse(build, params["rehearse"], result, lambda: pages_of_visitors(module))
                    try:
                        fetch = fetcher(private["authorization"])
                        if params["step"] == "all":
                            problems = deploy(build, interpreter, fetch, module, snapshots)
                        else:
                            problems = deploy_step(build, interpreter, fetch, module, snapshots)
                    finally:
                        event["note"] = snapshots.said
                    warnings = [*problems, *snapshots.warnings]
                    if params["step"] in ("all", "start"):
                        warnings += warnings_of(build)
                if params["step"] == "build":
                    result["candidate"] = candidate(app, identifier, params, before)
                result |= {"snapshot": snapshots.result, "way_back": snapshots.way_back}
                result["phases"], result["pages"] = tools.phases, [tools.conceal(text) for text in problems]
                for text in map(tools.conceal, warnings):
                    module.warn(f"{app.name}: {text}")
            if params["step"] != "all":
                result["static_names"] = static_names.digests(app.release(identifier))
            if app.is_complete(identifier):
                record = app.record(identifier)
                result |= {"check": record["check"], "dependencies": record["dependencies"]}
        except (ReleaseError, LockError, OSError) as error:
            reason = printable(tools.conceal(with_lack(error)))
            state = f"{tools.durations()}{app.state_of_service(before)}\n{snapshots.remedy}".rstrip()
            module.fail_json(f"{app.name}: {reason}\n{state}", **({"phases": tools.phases} if tools.phases else {}))
        finally:
            progress.end()
        if history.problem:
            module.warn(history.problem)
        result["unused_instances"] = unused_instances(app, [kind for kind in KINDS if is_local(params.get(kind))])
        # A run that only looks says what will be when it has removed old releases.
        removed = app.prunable_releases(identifier, params["keep_releases"]) if look_only else ()
        wanted = {kind: host_of(params.get(kind)) for kind in ("database", *KINDS)}
        result["former_services"] = former_access.unused(app, wanted, removed)
        result["has_backup"] = backup_record.is_due(app.name)
        module.exit_json(id=identifier, path=app.release(identifier), current=app.current(), **result)


def main() -> None:
    """Deploy or remove the app."""
    module = AnsibleModule(ARGUMENT_SPEC, required_if=REQUIRED_IF, supports_check_mode=True)
    os.umask(0o022)
    if module.params["state"] == "absent":
        absent(module)
    else:
        present(module)


if __name__ == "__main__":
    main()
