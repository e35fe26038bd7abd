"""A secret is rotated by one variable, and it is a release like any other."""

from helpers.hosts import release_of
from helpers.load import load
from helpers.steady import PROJECT, main_pid, site_of, start_deploy

FIRST, SECOND = (f"{number}-key-that-nobody-may-see-and-that-is-long-enough-for-the-check" for number in ("one", "two"))


def test_a_rotated_secret_is_a_new_release(host, address):
    said = []
    for secret in (FIRST, SECOND):
        before = release_of(host, "steady")
        with load(address, site_of("steady")) as seen:
            played = start_deploy(host, PROJECT, secrets={"DJANGO_SECRET_KEY": secret}).finish()
        assert played.code == 0, played.output
        assert seen.failures == []
        assert seen.releases == [before, release_of(host, "steady")]
        said.append(played.output)
    for place in ("/srv/steady/current/env", f"/proc/{main_pid(host)}/environ"):
        content = host.check_output("tr '\\0' '\\n' < %s", place)
        assert SECOND in content
        assert FIRST not in content
    for secret in (FIRST, SECOND):
        assert secret not in "".join(said)
