# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private to this collection. Takes over a site that an operator made by hand: its data, its requests, its certificate.

old (what serves the site now) -> settings (its databases and uploads, read as its own user) -> copies (where they go)
-> copying -> hold (requests wait while nothing can write) -> switch (the story) -> retirement (what is left of it).
"""
