# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why the answer to a visit is not what a visitor wants: each cause is a file with a function `explain`."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import (
    alias_slash,
    app_error,
    bad_request,
    big_header,
    closed_connection,
    collectstatic,
    data_server,
    directory_request,
    ended_worker,
    endless_page,
    failing_service,
    file_permission,
    missing_file,
    nginx_error,
    no_file_location,
    no_release,
    not_listening,
    other_python,
    redirect_destination,
    redirect_loop,
    redirect_out_of_prefix,
    refused_link,
    refused_request,
    refused_status,
    slow_app,
    socket_file,
    socket_unit,
    stopped_service,
    unexplained,
    unreachable_app,
    untrusted_link,
    upstream_failure,
    web_host,
    wrong_protocol,
)
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.finding import Finding
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.visit import Visit

Cause = Callable[[Visit], "Finding | None"]

# The first one that returns a finding explains the answer.
CAUSES: tuple[Cause, ...] = (
    # nginx gives no answer.
    not_listening.explain,
    closed_connection.explain,
    # The answer is a redirect.
    redirect_loop.explain,
    redirect_destination.explain,
    redirect_out_of_prefix.explain,
    # nginx does not send a file.
    untrusted_link.explain,
    refused_request.explain,
    alias_slash.explain,
    refused_link.explain,
    file_permission.explain,
    # The app cannot answer, and its files are absent, too.
    no_release.explain,
    collectstatic.explain,
    directory_request.explain,
    missing_file.explain,
    # nginx itself answers with an error.
    nginx_error.explain,
    # The reason is on another host.
    web_host.explain,
    # nginx gets no answer from the application.
    other_python.explain,
    failing_service.explain,
    stopped_service.explain,
    socket_unit.explain,
    socket_file.explain,
    unreachable_app.explain,
    big_header.explain,
    wrong_protocol.explain,
    slow_app.explain,
    ended_worker.explain,
    upstream_failure.explain,
    endless_page.explain,
    # nginx or the application refuses the request.
    bad_request.explain,
    refused_status.explain,
    # The application itself answers with an error.
    data_server.explain,
    app_error.explain,
    no_file_location.explain,
    unexplained.explain,
)


def explain(visit: Visit) -> Finding | None:
    """The cause of the last answer of *visit*, None where nothing is wrong with it."""
    return next((finding for cause in CAUSES if (finding := cause(visit))), None)
