"""The block of pg_hba.conf."""

from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.hba import (
    BEGIN,
    END,
    Client,
    clients,
    with_client,
    without_client,
)

OTHERS = "# PostgreSQL\nlocal all all peer\nhost all all 127.0.0.1/32 scram-sha-256\n"
WEB1 = Client(app="shop", host="web1", address="192.0.2.1/32")
WEB2 = Client(app="shop", host="web2", address="2001:db8::2/128")
BLOG = Client(app="blog", host="web9", address="192.0.2.9/32")
LINE = 'hostssl "shop","shop_restored" "shop" 192.0.2.1/32 scram-sha-256 # web1\n'


def test_the_first_line_makes_a_block_before_the_lines_of_others():
    assert with_client(OTHERS, WEB1, ["web1"]) == f"{BEGIN}\n{LINE}{END}\n{OTHERS}"


def test_a_block_is_kept_where_it_is_and_each_host_has_one_line():
    text = with_client(OTHERS, WEB1, ["web1"])
    moved = "# by hand\n" + text
    assert with_client(moved, WEB1, ["web1"]) == moved
    other = Client(app="shop", host="web1", address="192.0.2.7/32")
    assert clients(with_client(moved, other, ["web1"])) == [other]
    assert with_client(moved, other, ["web1"]).startswith(f"# by hand\n{BEGIN}\n")


def test_a_host_that_has_left_the_inventory_loses_its_line_and_other_apps_keep_theirs():
    text = with_client(OTHERS, BLOG, ["web9"])
    for one in (WEB1, WEB2):
        text = with_client(text, one, ["web1", "web2"])
    assert clients(text) == sorted([WEB1, WEB2, BLOG])
    assert clients(with_client(text, WEB1, ["web1"])) == sorted([WEB1, BLOG])


def test_the_last_line_takes_the_block_with_it():
    text = with_client(OTHERS, WEB1, ["web1"])
    assert without_client(text, "shop", "web2") == text
    assert without_client(text, "shop", "web1") == OTHERS


def test_lines_that_someone_wrote_into_the_block_are_no_clients():
    text = f"{BEGIN}\nhost all all 0.0.0.0/0 trust\n{LINE}{END}\n"
    assert clients(text) == [WEB1]
    assert "trust" not in with_client(text, WEB1, ["web1"])


def test_a_block_without_an_end_is_text_of_others():
    text = f"{BEGIN}\n{OTHERS}"
    assert clients(text) == []
    assert with_client(text, WEB1, ["web1"]).endswith(text)
