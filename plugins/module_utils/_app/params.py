# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of an app after validation, as spec.py describes them, and what the action plugin sends with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypeAlias, TypedDict

from ansible_collections.gatehouse.django.plugins.module_utils._app.git_access import Access
from ansible_collections.gatehouse.django.plugins.module_utils._app.spec import Plan

# An option like `database`: its engine, or a dictionary with keys of its own.
ServiceOption: TypeAlias = "str | Mapping[str, object]"


class SourceCredential(TypedDict):
    """An element of `credentials` of a source."""

    url: str
    deploy_key: NotRequired[str | None]


class Source(TypedDict, total=False):
    """Where an app comes from; one of git, directory, archive and pypi is set."""

    git: str | None
    version: str | None
    submodules: bool
    lfs: bool | None
    directory: str | None
    exclude: list[str]
    archive: str | None
    checksum: str | None
    pypi: str | None
    subdirectory: str
    # The controller takes these out before it sends the source.
    deploy_key: str | None
    known_hosts: str | None
    credentials: list[SourceCredential]


class Process(TypedDict):
    """A process of an app besides its web processes."""

    name: str
    command: str
    stop_timeout: int  # seconds
    run_on: str


class Timer(TypedDict):
    """A command that an app runs at times."""

    name: str
    command: str
    on_calendar: str  # systemd.time(7)
    timeout: int  # seconds
    run_on: str


class Limits(TypedDict):
    """Limits of an app's units."""

    memory: str
    cpu: int  # CPUWeight
    tasks: int
    open_files: int


class Run(TypedDict):
    """Who runs the play, and the identifier of the run."""

    id: str
    by: str


class Rehearse(TypedDict, total=False):
    """The option `rehearse`, as rehearse_options.normal() returns it; empty without a rehearsal."""

    refuse_locks_over: float | None  # seconds
    refuse_new_errors: bool


class Candidate(TypedDict, total=False):
    """What the step `build` of a deployment to several hosts has returned; empty before it."""

    id: str
    revision: str
    run: str  # the run that built it
    before: str  # the release that was served
    served: dict[str, str]  # that one and its configuration
    is_complete: bool
    last_served: float  # seconds since the epoch; 0 for never


class Sent(TypedDict):
    """The options that the module reads (SENT in spec.py)."""

    app: str
    state: str
    source: Source
    settings_module: str
    application: str
    python: str
    requirements: list[str]
    requirements_file: str
    groups: list[str]
    extras: list[str]
    constraints: list[str]
    database: ServiceOption
    cache: ServiceOption
    broker: ServiceOption
    media_group: str
    check_deploy: str
    check_ignore: list[str]
    rehearse: Rehearse
    migrate_databases: list[str]
    migration_snapshots: bool
    keep_releases: int
    writable: list[str]
    step: str
    candidate: Candidate


class Options(Sent):
    """All options of an app, as the controller has them."""

    remove_data: bool
    confirm: str
    prefix: str
    interface: str
    python_downloads: str
    packages: list[str]
    environment: dict[str, object]
    secrets: dict[str, object]
    settings: dict[str, object]
    files: dict[str, str]
    build_environment: dict[str, object]
    proxy: Mapping[str, str | None] | None
    node: str
    build: list[str]
    release_commands: list[str]
    first_commands: list[str]
    admin: dict[str, object]
    workers: int
    threads: int
    timeout: int  # seconds
    health_path: str
    health_host: str
    health_status: list[int]
    processes: list[Process]
    timers: list[Timer]
    sandbox: dict[str, object]
    limits: Limits
    services: dict[str, dict[str, str]]  # passwords and ports of services on other hosts


class Params(Sent):
    """What the module has: the options that it reads, and what the controller works out."""

    plan: Plan
    upload: str | None  # where the source is, or is downloaded to, on the host
    run: Run
    # The module adds these when it has looked at the host.
    missing_packages: list[str]
    python_version: str


class Private(TypedDict):
    """The secrets that the controller sends as one text."""

    environment: dict[str, str]  # of the app
    project_files: dict[str, str]  # contents by path in the project
    build_environment: dict[str, str]
    build_variables: dict[str, str]  # of the commands of `build`, without secrets
    variables: dict[str, str]  # the option by the name of each variable that the project should read
    admin: dict[str, str]
    authorization: str  # user and password of the source; empty without them
    access: Access
    python: dict[str, str]  # as python_options.downloads() returns it
    hidden: list[str]  # what no message may show
