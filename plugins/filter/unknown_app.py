# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that says what is wrong with the name of an app, and which apps there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def unknown_app(name: str, known: Sequence[str], unasked: Sequence[str] = ()) -> str:
    """Return the message for an app that is not among the *known* ones; the hosts *unasked* may have it."""
    from ansible_collections.gatehouse.django.plugins.module_utils._core.suggest import unknown

    if not known:
        sentences = [f"app: '{name}' is unknown: the hosts of this run have no app."]
    elif not name:
        sentences = [f"app is missing: name the app, for example -e app={known[0]}. Known: {', '.join(known)}."]
    else:
        # The nearest name ends with a question mark.
        sentences = [f"app: {unknown(name, list(known), 'app')}", f"Known: {', '.join(known)}."]
        if sentences[0].endswith(sentences[1]):
            sentences.pop()
    if unasked:
        sentences.append(f"Hosts that could not be asked: {', '.join(sorted(unasked))}.")
    return " ".join([*sentences, "Nothing was changed."])


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"unknown_app": unknown_app}
