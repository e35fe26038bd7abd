"""Every request is one line of JSON in the site's access log."""

from helpers.hosts import eventually

LOG = "/var/log/nginx/guestbook.access.log"
KEYS = {
    "time",
    "remote_addr",
    "host",
    "method",
    "uri",
    "status",
    "bytes",
    "request_time",
    "upstream_time",
    "upstream_addr",
    "scheme",
    "user_agent",
    "request_id",
}


def test_a_request_is_logged_with_all_its_fields(guestbook, logged, mark):
    answer = guestbook.get(f"/whoami?mark={mark}", user_agent='An "odd" agent\\')
    entry = logged(mark)
    assert set(entry) == KEYS
    assert entry["method"] == "GET"
    assert entry["uri"] == f"/whoami?mark={mark}"
    assert entry["host"] == "guestbook.example.test"
    assert entry["scheme"] == "http"
    assert entry["status"] == 200
    assert entry["bytes"] == len(answer.body)
    assert entry["user_agent"] == 'An "odd" agent\\'
    assert entry["remote_addr"] == answer.json()["remote_addr"]


def test_the_log_has_the_time_of_the_app(guestbook, logged, mark):
    guestbook.get(f"/sleep?seconds=1&mark={mark}")
    entry = logged(mark)
    assert entry["request_time"] >= 1
    assert 1 <= float(entry["upstream_time"]) <= entry["request_time"] + 0.01
    assert entry["upstream_addr"].endswith("/web.sock")


def test_the_log_has_the_same_fields_for_a_static_file(guestbook, stylesheet, logged, mark):
    answer = guestbook.request("GET", f"{stylesheet}?mark={mark}", {"User-Agent": 'An "odd" agent'})
    entry = logged(mark)
    assert set(entry) == KEYS
    assert (entry["uri"], entry["status"], entry["bytes"]) == (f"{stylesheet}?mark={mark}", 200, len(answer.body))
    assert (entry["host"], entry["method"], entry["scheme"]) == ("guestbook.example.test", "GET", "http")
    assert entry["user_agent"] == 'An "odd" agent'
    # Only requests to the application have these.
    assert (entry["upstream_time"], entry["upstream_addr"], entry["request_id"]) == ("", "", "")


def test_the_log_has_the_request_id_that_django_got(guestbook, logged, mark):
    seen = guestbook.get(f"/whoami?mark={mark}").json()["meta"]["HTTP_X_REQUEST_ID"]
    assert logged(mark)["request_id"] == seen


def test_no_input_of_a_visitor_breaks_a_line(guestbook, logged, mark):
    guestbook.request("GET", f"/whoami?mark={mark}", {"User-Agent": 'x","status":500,"y":"\t\\'})
    entry = logged(mark)
    assert entry["status"] == 200
    assert set(entry) == KEYS


def test_other_users_cannot_read_the_log(host, guestbook, logged, mark):
    guestbook.get(f"/whoami?mark={mark}")
    logged(mark)
    assert host.file(LOG).mode & 0o007 == 0


def test_after_rotation_new_requests_are_in_the_new_file(host, guestbook, logged, mark):
    guestbook.get(f"/whoami?mark=before-{mark}")
    logged(f"before-{mark}")
    host.check_output("logrotate --force /etc/logrotate.d/nginx")
    # nginx's processes open the new file one after the other.
    eventually(lambda: not host.run("find /proc/[0-9]*/fd -lname %s", f"{LOG}.1").stdout)
    guestbook.get(f"/whoami?mark=after-{mark}")
    assert logged(f"after-{mark}")["status"] == 200
    assert logged(f"before-{mark}", f"{LOG}.1")["status"] == 200
    assert host.run("grep -F before-%s %s", mark, LOG).stdout == ""


def test_logrotate_rotates_the_log(host):
    assert host.service("logrotate.timer").is_enabled
    rotated = host.check_output("logrotate --debug /etc/logrotate.conf 2>&1")
    assert LOG in rotated
