"""The project that is served: its code is in `django_project`, its static files are made here."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "django_project"
WORDS = ("const", "return", "value", "list", "index", "function", "null", "true", "name", "item", "push", "length")


def make(work: Path) -> Path:
    """The directory to deploy: a stylesheet of 1 KB, a script of 50 KB that compresses well, and a download."""
    project = shutil.copytree(SOURCE, work / "speedy", ignore=shutil.ignore_patterns("__pycache__"))
    assets = project / "assets"
    assets.mkdir()
    (assets / "small.css").write_text("/* A small file: nginx compresses nothing below 1 KB. */\n".ljust(1024, " "))
    chosen = random.Random(1)
    script = ""
    while len(script) < 50 << 10:
        script += f"{chosen.choice(WORDS)}{chosen.randrange(1000)} = {chosen.choice(WORDS)}({chosen.random():.6f});\n"
    (assets / "script.js").write_text(script[: 50 << 10])
    (assets / "download.bin").write_bytes(chosen.randbytes(64 << 20))
    return project
