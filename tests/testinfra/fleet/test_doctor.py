"""The doctor on the hosts of a fleet."""

from helpers.module import call


def test_the_host_of_the_database_has_no_nginx_and_no_finding(database_host):
    assert call(database_host, "django_doctor", settings_only=False)["findings"] == []
