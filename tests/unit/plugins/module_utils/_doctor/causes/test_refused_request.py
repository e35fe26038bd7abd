"""A directive by which nginx itself refuses the path."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.causes import refused_request
from ansible_collections.gatehouse.django.plugins.module_utils._doctor.request import Answer


@pytest.fixture
def explain(visit_to):
    def explain(text, status=404, is_target=True):
        visit = visit_to(text, ("http://shop.test/static/x.css", Answer(status)), is_target=is_target)
        return refused_request.explain(visit)

    return explain


@pytest.mark.parametrize("directive", ["return 404", "internal", "deny all"])
def test_a_rule_of_the_location(explain, tmp_path, directive):
    text = f"location /static/ {{ {directive}; alias TMP/static/; }}"
    finding = explain(text)
    assert finding.cause == (
        f"nginx itself answers 404 to /static/x.css: location /static/ has '{directive}' ({tmp_path}/nginx.conf:3)."
    )
    assert ("X-Accel-Redirect" in finding.remedy) == (directive == "internal")
    assert explain(text, is_target=False) is None


def test_a_rule_before_the_application(explain):
    text = "location / { proxy_pass http://127.0.0.1:1; deny all; }"
    assert "nginx itself answers 403 to /static/x.css: location / has 'deny all'" in explain(text, 403).cause
    assert explain(text, 404) is None


def test_no_rule(explain):
    assert explain("location /static/ { alias TMP/static/; }") is None
    assert explain("location / { proxy_pass http://127.0.0.1:1; }", 403) is None


@pytest.mark.parametrize(
    ("directive", "cause", "remedy"),
    [
        (
            "allow 10.0.0.0/8; deny all;",
            "has 'allow' for 10.0.0.0/8 only (",
            "`allow: [ADDRESS]` below `paths['/static/']`",
        ),
        ("deny all;", "has 'deny all' (", "`deny: []` below `paths['/static/']`"),
        ("return 404;", "has 'return 404' (", "change `snippet` in the entry of the site shop"),
    ],
)
def test_the_remedy_for_a_site_of_gatehouse_is_in_the_inventory(visit_to, tmp_path, directive, cause, remedy):
    (tmp_path / "gatehouse/sites").mkdir(parents=True)
    site = f"server {{ server_name shop.test; location /static/ {{ {directive} alias /srv/shop/; }} }}"
    (tmp_path / "gatehouse/sites/shop.conf").write_text(site)
    answer = Answer(404 if "return" in directive else 403, client="127.0.0.1")
    step = ("http://shop.test/static/x.css", answer)
    finding = refused_request.explain(visit_to("", step, file="include gatehouse/sites/*.conf;"))
    assert cause in finding.cause
    assert remedy in finding.remedy
    assert "gatehouse/sites/shop.conf" not in finding.remedy


def test_a_path_with_a_dot_is_never_published(visit_to, tmp_path):
    (tmp_path / "gatehouse").mkdir()
    (tmp_path / "gatehouse/server.conf").write_text("location ~ /\\. { return 404; }")
    finding = refused_request.explain(
        visit_to("include gatehouse/server.conf;", ("http://shop.test/.env", Answer(404)))
    )
    assert finding.remedy.startswith("Gatehouse publishes no file with a part that begins with '.'")


def test_a_rule_for_another_client(explain):
    """The application itself answers 403."""
    assert explain("location / { proxy_pass http://127.0.0.1:1; deny 192.0.2.200; }", 403) is None
