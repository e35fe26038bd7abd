"""Links between pages of the documentation lead somewhere, and the files that they name exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("roles/*/README.md"), *ROOT.glob("benchmarks/*.md")]
PRIVATE = {f"{path.relative_to(ROOT / 'plugins')}" for path in ROOT.glob("plugins/*_utils/**/*.py")}


def anchors(page):
    """The anchors of a page's headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_a_page_and_a_heading(page):
    missing = []
    for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", page.read_text()):
        name, _hash, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            missing.append(link)
    assert missing == []


@pytest.mark.parametrize("page", ["ARCHITECTURE", "lives"])
def test_files_that_a_page_names_exist(page):
    named = re.findall(r"`((?:plugin_utils/)?_\w+/\w+\.py)`", (ROOT / f"docs/{page}.md").read_text())
    paths = [name if name.startswith("plugin_utils/") else f"module_utils/{name}" for name in named]
    assert len(paths) > 10
    assert [path for path in paths if path not in PRIVATE] == []
