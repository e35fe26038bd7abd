"""How the doctor tests what nginx may access."""

from __future__ import annotations


def test_access_is_tested_as_nginxs_user_inside_its_mount_namespace(doctor_host):
    host = doctor_host()
    assert host.addresses == ("192.0.2.1", "2001:db8::1")
    assert host.worker_may("x", "/srv/shop")
    (command,) = host.commands
    assert command == [
        *("nsenter", "--target=7", "--mount", "--", "setpriv", "--reuid=www-data", "--regid=www-data"),
        *("--init-groups", "--", "test", "-x", "/srv/shop"),
    ]


def test_access_is_tested_outside_the_namespace(doctor_host):
    host = doctor_host("", ("test -r /secret", "", 1))
    assert not host.worker_may("r", "/secret", sandboxed=False)
    assert host.commands[0][0] == "setpriv"
    stopped = doctor_host("", master=None)
    assert stopped.worker_may("r", "/x")
    assert stopped.commands[0][0] == "setpriv"


def test_the_user_that_nginx_conf_names(doctor_host, tmp_path):
    host = doctor_host("}\nuser web;\nevents {")
    assert host.user == ("web", "web")
    host = doctor_host("}\nuser web team;\nevents {")
    assert host.user == ("web", "team")
