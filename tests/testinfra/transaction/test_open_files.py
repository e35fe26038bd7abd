"""Each site has an access log, which nginx's master opens: many sites need more than systemd's 1,024 open files."""

from helpers.sites import extra as site
from helpers.sites import numbered

MANY = 60


def test_a_master_at_its_limit_of_open_files_reloads(driver, extra):
    master = driver.shell("systemctl show --property=MainPID --value nginx")
    # As few as it has open by now: in a reload, the logs of the old and of the new configuration are open.
    driver.shell(f"prlimit --pid {master} --nofile=$(ls /proc/{master}/fd | wc -l):")
    done = driver.publish(site("many"), *map(numbered, range(MANY)))
    assert not done["failed"], done["msg"]
    assert extra.get("/word").text == "many"
    again = driver.publish(site("changed"))
    assert not again["failed"], again["msg"]


def test_nginx_starts_with_the_limit_of_the_host(driver):
    shown = driver.shell("systemctl show --property=LimitNOFILE,LimitNOFILESoft nginx").splitlines()
    assert shown == ["LimitNOFILE=524288", "LimitNOFILESoft=524288"]
    limits = driver.shell("grep 'Max open files' /proc/$(systemctl show --property=MainPID --value nginx)/limits")
    soft, hard = limits.split()[3:5]
    assert soft == hard
