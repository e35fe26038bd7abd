# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the locations of a snippet that answer no request with a page, and those that take files from an alias.

nginx takes a location with a regular expression before the longest prefix, and a longer prefix before a shorter one. It
looks for the files of a location without a directory of its own below its default root, and answers 404.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import Site
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.snippet import TOKEN, directives

Parameters = tuple[str, ...]

# Directives that say how a location answers, but not with what. Any other one may answer, as far as is known here.
SETTINGS = re.compile(
    r"access_log|add_header|add_trailer|allow|auth_basic(_user_file)?|charset(_types)?|default_type|directio|error_log|"
    r"error_page|etag|expires|if|if_modified_since|keepalive_\w+|limit_\w+|log_not_found|log_subrequest|"
    r"max_ranges|open_file_cache\w*|output_buffers|satisfy|send_timeout|sendfile\w*|server_tokens|set|tcp_no\w+|types|"
    r"(aio|brotli|client|gunzip|gzip|ssi|sub_filter)\w*|(fastcgi|grpc|proxy|scgi|uwsgi)_(?!pass$|store)\w+"
)
# What is literal at the beginning of a regular expression.
LITERAL = re.compile(r"\^((?:[\w/@,;=~%-]|\\[./-])*)")


def check_locations(site: Site, where: str) -> None:
    """Raise ValueError for a location in a snippet of *site* that answers each request with 404."""
    snippet = site["snippet"] or ""
    if not {name for name, _args in directives(snippet)} & {"root", "include"}:
        for args, inside in locations(snippet):
            if _answers_nothing(args, inside):
                raise ValueError(f"{where}: {_refusal(site, args)}")
    for location in site["locations"]:
        # An alias holds in the blocks inside, proxy_pass does not (ngx_http_core_merge_loc_conf).
        for args, inside in locations(location["snippet"] or "") if location["proxy_pass"] else ():
            if _answers_nothing(args, inside):
                raise ValueError(
                    f"{where}, location '{location['path']}': snippet has 'location {' '.join(args)}' without "
                    "proxy_pass, root, alias or return, so nginx answers 404 there, and the application gets no such "
                    f"request. Write 'proxy_pass {location['proxy_pass']};' into the block, or remove it. "
                    "Nothing was changed."
                )


def warnings(site: Site) -> list[str]:
    """A sentence for each location in the snippet of *site* that sends files below a path of the site's own."""
    snippet = site["snippet"] or ""
    has_root = "root" in {name for name, _args in directives(snippet)}
    found = []
    for args, inside in locations(snippet):
        files = _files_of(site, args)
        root = next((words[0] for name, words in inside if name == "root" and words), "")
        if files and (root or (has_root and _answers_nothing(args, inside))):
            found.append(
                f"site '{site['name']}': the location '{' '.join(args)}' of its snippet can take requests for files "
                f"below {' and '.join(files)}, and nginx then looks for them below {root or 'the root of the server'}:"
                " let its pattern leave out these paths, unless the files are there"
            )
    return found


def locations(snippet: str) -> Iterator[tuple[Parameters, list[tuple[str, Parameters]]]]:
    """The outer locations of *snippet*: parameters, and the directives inside, also those of blocks.

    The snippet must have passed ``syntax_error``. One with Lua gives nothing.
    """
    if re.search(r"_by_lua_block\b", snippet):
        return
    depth, words, outer, inside = 0, list[str](), list[str](), list[tuple[str, Parameters]]()
    for token in TOKEN.finditer(snippet):
        if token["word"]:
            words.append(token["word"].strip("\"'"))
        elif token["mark"]:
            if token["mark"] == "{" and depth == 0:
                outer, inside = words, []
            elif words:
                inside.append((words[0], tuple(words[1:])))
            words = []
            depth += {"{": 1, "}": -1, ";": 0}[token["mark"]]
            if token["mark"] == "}" and depth == 0 and outer[:1] == ["location"] and outer[1:]:
                yield tuple(outer[1:]), inside


def may_match(args: tuple[str, ...], path: str) -> bool:
    """Whether a location with *args* can be for a request below *path*. A regular expression counts if in doubt."""
    base = f"{path.rstrip('/')}/"
    text = args[-1]
    if len(args) > 1 and args[0] in ("~", "~*"):
        literal = LITERAL.match(text)
        begin = re.sub(r"\\(.)", r"\1", literal[1]) if literal else ""
        # The last character may be optional, or one of several.
        begin = begin[:-1] if literal and text[literal.end() : literal.end() + 1] in ("*", "?", "{") else begin
        # With another letter case it may be the same path.
        begin, base = (begin.lower(), base.lower()) if args[0] == "~*" else (begin, base)
        return begin.startswith(base) or base.startswith(begin)
    if text.startswith("@"):
        return False
    return f"{text.rstrip('/')}/".startswith(base) or (len(args) == 1 and text.startswith(base))


def _answers_nothing(args: Parameters, inside: list[tuple[str, Parameters]]) -> bool:
    """Whether nginx answers 404 to each request of the location. Doubt counts as an answer."""
    if args[0].startswith("@"):
        return False
    return all(
        # The last parameter of try_files is what nginx answers where there is no file.
        words[-1].startswith("=") if name == "try_files" and words else SETTINGS.fullmatch(name)
        for name, words in _without_types(inside)
    )


def _without_types(inside: list[tuple[str, Parameters]]) -> Iterator[tuple[str, Parameters]]:
    """The directives without the lines of a block `types`, which begin with a media type."""
    return ((name, words) for name, words in inside if "/" not in name)


def _files_of(site: Site, args: Parameters) -> list[str]:
    """The paths of locations with files from which a location with *args* takes requests."""
    paths = [one["path"] for one in site["locations"] if one["alias"] and not one["internal"]]
    return [f"'{path}'" for path in paths if not args[0].startswith("@") and may_match(args, path)]


def _refusal(site: Site, args: Parameters) -> str:
    files = _files_of(site, args)
    also = f", also to the files below {' and '.join(files)}" if files else ""
    keep = " Browsers keep files with a hash in their names for a year without it." if files else ""
    return (
        f"snippet has 'location {' '.join(args)}' without root, alias, proxy_pass or return, so nginx answers 404 there"
        f"{also}. Remove the block, or write into it where its files are.{keep} Nothing was changed."
    )
