# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the dynamic modules that a configuration loads."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

# nginx accepts load_module only before its first block: "is specified too late" (ngx_load_module).
LOADING_DIRECTIVE = re.compile(r"""(?:^|[;\s])(load_module|include)\s+["']?([^\s;"']+)["']?\s*;""")


def loaded_modules(text: str, conf_dir: str) -> set[str]:
    """The modules that the main configuration *text* loads, including those in included files.

    Modules are named after their files: ngx_http_brotli_static_module. Relative paths start at *conf_dir*.
    """
    names: set[str] = set()
    seen: set[str] = set()
    texts = [text]
    while texts:
        head = re.sub(r"#.*", "", texts.pop()).partition("{")[0]
        for directive, value in LOADING_DIRECTIVE.findall(head):
            if directive == "load_module":
                names.add(os.path.basename(value).removesuffix(".so"))
                continue
            for path in set(glob.glob(os.path.join(conf_dir, value))) - seen:
                seen.add(path)
                texts.append(_read(path))
    return names


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
