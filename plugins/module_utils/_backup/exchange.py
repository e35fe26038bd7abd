# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exchange two files or directories with one renameat2(2): each name has the old or the new one, never none."""

from __future__ import annotations

import ctypes
import os

EXCHANGE = 2


def exchange(one: int, name: str, other: int, other_name: str) -> None:
    """Exchange *name* in the open directory *one* with *other_name* in *other*; move it if *other_name* is missing."""
    try:
        os.stat(other_name, dir_fd=other, follow_symlinks=False)
        flags = EXCHANGE
    except FileNotFoundError:
        flags = 0
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(one, os.fsencode(name), other, os.fsencode(other_name), ctypes.c_uint(flags)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), other_name)
    os.fsync(one)
    os.fsync(other)
