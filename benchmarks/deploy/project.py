"""The project that is deployed: the guestbook in a git repository, with a tag for each state of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

GUESTBOOK = Path(__file__).resolve().parents[2] / "examples" / "guestbook"
STYLESHEET = "entries/static/entries/guestbook.css"
FIRST, CODE, DEPENDENCY = "first", "code", "dependency"
AUTHOR = {f"GIT_{who}_{what}": "bench@example.test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def make(work: Path) -> Path:
    """The bare repository."""
    checkout, bare = work / "guestbook", work / "guestbook.git"
    shutil.copytree(GUESTBOOK, checkout, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3*", "media"))
    git(checkout, "init", "--quiet", "--initial-branch=main")
    for state in (FIRST, CODE, DEPENDENCY):
        # The page names the stylesheet by its hash: a visitor sees at once which state it is from.
        append(checkout / STYLESHEET, f"/* {state} */\n")
        append(checkout / "guestbook" / "wsgi.py", f"# {state}\n")
        if state == DEPENDENCY:
            append(checkout / "requirements.txt", "Markdown==3.7\n")
        git(checkout, "add", "--all")
        git(checkout, "commit", "--quiet", f"--message={state}")
        git(checkout, "tag", state)
    git(work, "clone", "--quiet", "--bare", str(checkout), str(bare))
    return bare


def append(file: Path, text: str) -> None:
    file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")


def git(where: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=where, env=os.environ | AUTHOR, check=True)
