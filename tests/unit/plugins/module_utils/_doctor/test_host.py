"""How the host is looked at with nginx's eyes."""

from __future__ import annotations


def test_the_worker_is_asked_where_nginx_runs_and_as_whom(doctor_host):
    host = doctor_host()
    assert host.own == ("192.0.2.1", "2001:db8::1")
    assert host.worker_may("x", "/srv/shop")
    (command,) = host.commands
    assert command == [
        *("nsenter", "--target=7", "--mount", "--", "setpriv", "--reuid=www-data", "--regid=www-data"),
        *("--init-groups", "--", "test", "-x", "/srv/shop"),
    ]


def test_without_the_sandbox_and_without_a_running_nginx(doctor_host):
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
