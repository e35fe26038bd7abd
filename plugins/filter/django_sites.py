# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter that converts the sites of role django_site to those of module nginx_config."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

if TYPE_CHECKING:
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.role_locations import ModuleSite


def django_sites(sites: Iterable[object], tls: str | bool = "off", behind: object = None) -> list[ModuleSite]:
    """Convert the role's sites to the C(sites) option of nginx_config; *tls* and *behind* are defaults of theirs."""
    from ansible_collections.gatehouse.django.plugins.module_utils._nginx.sites import check_keys
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx import mounts
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.role_locations import module_site
    from ansible_collections.gatehouse.django.plugins.plugin_utils._nginx.role_sites import OPTIONS, checked

    result = ArgumentSpecValidator({"django_site_tls": OPTIONS["tls"]}).validate({"django_site_tls": tls})
    if result.error_messages:
        raise AnsibleFilterError("; ".join(result.error_messages))
    default = result.validated_parameters["django_site_tls"]
    try:
        if behind:
            check_keys({"django_site_behind": behind}, {"django_site_behind": OPTIONS["behind"]}, "role django_site")
        defaults = {"tls": default, "behind": behind or None}
        valid = [checked(site, number, defaults) for number, site in enumerate(sites)]
        mounts.check_sites(valid)
        return [module_site(site) for site in valid]
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Map the names of the filters to their functions."""
        return {"django_sites": django_sites}
