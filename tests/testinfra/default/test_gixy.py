"""gixy, a scanner for mistakes in nginx configurations, finds none on a host with sites of Gatehouse."""

import json
import subprocess

import pytest
from helpers.play import REPOSITORY

GIXY = REPOSITORY / ".venv-gixy" / "bin" / "gixy"
SITES = ["guestbook", "wagtailsite"]


@pytest.fixture
def dump(host):
    """The whole configuration, as nginx itself reads it. gixy would say of an empty one that it is faultless."""
    text = host.check_output("nginx -T 2>/dev/null")
    for site in SITES:
        assert f"# configuration file /etc/nginx/gatehouse/live/sites/{site}.conf:" in text
        assert f"access_log /var/log/nginx/{site}.access.log" in text
    return text


@pytest.fixture
def scan(tmp_path):
    """What gixy finds in the text, as pairs of its check and the file that it blames."""

    def scan(text):
        path = tmp_path / "nginx.conf"
        path.write_text(text + "\n")
        scanned = subprocess.run([GIXY, "--format=json", path], capture_output=True, text=True, check=False)
        assert "Switched to parse nginx configuration dump" in scanned.stderr
        return {(issue["plugin"], issue["file"]) for issue in json.loads(scanned.stdout)}

    return scan


def test_gixy_finds_nothing(dump, scan):
    assert scan(dump) == set()


@pytest.mark.parametrize("site", SITES)
def test_gixy_reads_the_sites(dump, scan, site):
    """Two mistakes that it knows, put into a copy."""
    file = f"/etc/nginx/gatehouse/live/sites/{site}.conf"
    before, begin, after = dump.partition(f"# configuration file {file}:")
    bad = "location /bad { return 302 http://$host$uri; } location /files { alias /srv/files/; } location "
    found = scan(before + begin + after.replace("location ", bad, 1))
    assert found == {("http_splitting", file), ("alias_traversal", file)}
