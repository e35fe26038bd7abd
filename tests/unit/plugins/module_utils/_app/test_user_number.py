"""The numeric ID of a new app's user."""

from ansible_collections.gatehouse.django.plugins.module_utils._app.user_number import COUNT, LOWEST, choose


def test_it_depends_on_the_name_alone():
    # Hosts that were installed long ago have it: another one would be refused when the app gets a second host.
    assert (choose("shop", []), choose("guestbook", [])) == (512, 600)


def test_the_next_free_one_is_chosen_in_the_range_of_no_package():
    taken = []
    for _number in range(COUNT):
        taken.append(choose("shop", taken))
    assert sorted(taken) == list(range(LOWEST, LOWEST + COUNT))
    assert choose("shop", taken) == 0
