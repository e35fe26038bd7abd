# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS with a server whose certificate is signed by an authority that is known, and by no other one."""

from __future__ import annotations

import socket
import ssl


def connect(
    place: tuple[str, int], name: str, *, cafile: str | None = None, cadata: str | None = None, timeout: float
) -> ssl.SSLSocket:
    """Connect to *place*, whose certificate must be for *name*; the authorities are in a file or given in PEM.

    Raises OSError, ssl.SSLError among others.
    """
    context = ssl.create_default_context(cafile=cafile, cadata=cadata)
    sock = socket.create_connection(place, timeout=timeout)
    try:
        return context.wrap_socket(sock, server_hostname=name)
    except BaseException:
        sock.close()
        raise


def explain(error: OSError) -> str:
    """The reason of a failure as the end of a sentence."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is none that this host believes: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"it does not accept TLS for this site: {getattr(error, 'reason', None) or error}"
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    return str(error.strerror or error or type(error).__name__)
