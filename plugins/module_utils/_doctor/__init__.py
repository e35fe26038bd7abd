# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private to this collection. Finds out why a site does not work; data flows one way, engine.py has the steps.

target (what to request, and which server and location answer it) -> visit (requests it, http sends each request)
-> causes (why the answer is wrong: the first one in the list) and checks (what no answer shows) -> finding.
host, sites, upstream, files, apps, log, permissions and address answer questions about the host. settings compares a
project with its site.
"""
