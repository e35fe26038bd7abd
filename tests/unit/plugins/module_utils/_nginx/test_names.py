"""Names as clients send them."""

from __future__ import annotations

import pytest
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.names import normalise_names, normalised
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.tls import required_names, uncovered
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.values import check_server_name


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Shop.Example", "Shop.Example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("*.bücher.example", "*.xn--bcher-kva.example"),
        (".bücher.example", ".xn--bcher-kva.example"),
        ("bücher.*", "xn--bcher-kva.*"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("\U0001f600.example", "xn--e28h.example"),
        ("a\uff0eb.example", "a.b.example"),
        ("xn--fa-hia.de", "xn--fa-hia.de"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
        ("2001:db8::1", "[2001:db8::1]"),
        ("[::1]", "[::1]"),
        ("192.0.2.7", "192.0.2.7"),
    ],
)
def test_a_name_as_clients_send_it(written, sent):
    assert normalised(written) == sent
    check_server_name(sent)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("faß.de", "contains 'ß'.*write 'xn--fa-hia.de'"),
        ("βόλος.example", "contains 'ς'.*write 'xn--nxasmm1c.example'"),
        ("a\u200db.example", "u200d.*write 'xn--ab-m1t.example'"),
        ("ü" * 70 + ".example", "is not an international host name .*write its xn-- form"),
    ],
)
def test_a_name_that_would_be_another(written, words):
    with pytest.raises(ValueError, match=words):
        normalised(written)


def test_the_site_and_the_option_are_named():
    site = {"name": "shop", "server_name": ["bücher.example"], "redirect_from": ["faß.de"]}
    with pytest.raises(ValueError, match=r"site 'shop': redirect_from 'faß.de' contains 'ß'"):
        normalise_names([site])
    site["redirect_from"] = []
    normalise_names([site, {"name": "gone", "server_name": None, "redirect_from": []}])
    assert site["server_name"] == ["xn--bcher-kva.example"]


@pytest.mark.parametrize("wrong", ["[::1", "::1]", "[fe80::1%eth0]", "[::ffff:192.0.2.1]", "[1.2.3.4]", "[]", "::1"])
def test_other_brackets_are_refused(wrong):
    with pytest.raises(ValueError, match="is not a host name"):
        check_server_name(wrong)


def test_the_certificate_has_the_address():
    assert required_names(["[2001:db8::1]", "a.example"]) == ["2001:db8::1", "a.example"]
    assert uncovered(["[2001:db8::1]"], ["2001:db8::1"]) == []
