#!/usr/bin/python

# Copyright: Contributors to the Gatehouse project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nginx_config
short_description: Publish sites through nginx in one transaction
version_added: 0.1.0
author:
  - Gatehouse contributors (@gatehouse)
description:
  - Renders the C(alias) and C(proxy_pass) locations of a list of sites, validates the whole configuration of the
    host with C(nginx -t) and the new files in place, and then makes them live with one rename and one reload.
  - Gatehouse writes one I(generation), a directory below C(/etc/nginx/gatehouse/generations). The symlink
    C(/etc/nginx/gatehouse/live) points to the live one. The module reads the other files of nginx's configuration and
    does not write them; the only exception is C(nginx.conf), if O(nginx_conf) says so.
  - If nginx refuses a change or does not apply it, the module restores the host and fails with nginx's messages.
  - Sites of earlier calls stay unchanged, unless O(purge) is set.
requirements:
  - nginx 1.22 or newer on the host, and Python 3.11 or newer
  - Validation before the switch needs C(unshare) and the capability C(CAP_SYS_ADMIN). Without them the module
    validates the new configuration right after the switch, reverts it if it is not valid, and says so in the result.
notes:
  - Only one run changes a host at a time; a second one waits up to 60 seconds for the lock. The lock is the file
    C(/run/gatehouse/locks/nginx), which only root can open.
  - A run can be killed at any moment. nginx's configuration is then completely the old one or completely the new one,
    and the next run cleans up, including a missing reload. Where the kernel refuses the namespace, a run that is killed
    right after its switch leaves a configuration that nginx has not validated; the next run validates or reverts it.
  - The module neither starts nor enables nginx. If nginx is not running, the module warns and nginx reads the new
    configuration when it starts.
options:
  sites:
    description:
      - The sites to publish or to remove.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The site's name, a slug (C(a-z), C(0-9), C(-), C(_)). It names the site's file and its access log.
        type: str
        required: true
      state:
        description:
          - V(absent) removes the site; its other options are then ignored.
        type: str
        choices: [present, absent]
        default: present
      server_name:
        description:
          - The host names of the site, as nginx's C(server_name). Redirects lead to the first one.
          - International names are written as they are (V(bücher.example)) or in their C(xn--) form, which nginx gets.
            An IPv6 address is written like V([2001:db8::1]).
          - Required for a site that is V(present).
        type: list
        elements: str
      listen:
        description:
          - Ports, or IP addresses with ports, as nginx's C(listen), for example V(8080) or V([::]:8080).
          - The default is port 80 on IPv4, and on IPv6 where the host has it.
        type: list
        elements: str
      default:
        description:
          - Serve requests for unknown host names as well, on the addresses of the site. Otherwise nginx closes these
            connections. Use it for health checks by address, and for domains that users of the application bring.
          - Only one site of an address can be the default one. The application decides about the names (Django's
            C(ALLOWED_HOSTS)).
          - Over HTTPS unknown names get the certificate of this site. Over HTTP they are not redirected to HTTPS.
        type: bool
        default: false
      redirect_from:
        description:
          - Host names that nginx redirects (308) to the first of O(sites[].server_name). The redirect keeps path and
            query, and the scheme, unless the site has O(sites[].tls) - then it leads to HTTPS.
        type: list
        elements: str
        default: []
      rate:
        description:
          - The requests that a client may send to the application, V(10r/s) in a second or V(5r/m) in a minute. nginx
            answers more of them with 429, C(Retry-After) and a page, and does not pass them on.
          - A client is an IPv4 address, or a C(/64) network of IPv6. Requests of every method count, those for files
            that nginx serves do not. V(off) ends a rate that is inherited.
          - This option and those from O(sites[].burst) to O(sites[].proxy_read_timeout) are rules. A location inherits
            each rule that it does not set from the longest path that encloses its path, and at last from the site.
        type: str
      burst:
        description:
          - The requests that a client may send at once after a first one, before O(sites[].rate) limits it. With V(3),
            nginx accepts four at once. The default is the number in the rate, so V(5r/m) accepts six at once.
        type: int
      connections:
        description:
          - The requests of a client that the application may work on at the same time. nginx answers more of them with
            429. V(0) ends a limit that is inherited.
        type: int
      allow:
        description:
          - The addresses and networks whose requests nginx accepts, such as V(10.0.0.0/8). It answers all others with
            403. An empty list ends the rule where it is inherited.
          - For the whole site this covers files and the application, but neither error pages nor the challenge of an
            authority.
        type: list
        elements: str
      deny:
        description:
          - The addresses and networks whose requests nginx answers with 403. It asks this before O(sites[].allow).
            V(all) denies those that are not allowed. An empty list ends the rule where it is inherited.
        type: list
        elements: str
      basic_auth:
        description:
          - The users who may open the site, each with a password, for HTTP Basic authentication. It covers what
            O(sites[].allow) covers, and both must hold. An empty dictionary ends the rule where it is inherited.
          - Keep passwords in a vault. The controller hashes them, and the host has the hashes in a file that only root
            and nginx can read. A value may be such a hash itself, as C(openssl passwd -6) makes it. Hashes that are
            expensive to compute are refused, because nginx computes them for each request.
          - nginx drops the header C(Authorization) where the rule holds, so that the application does not get the
            password.
          - The passwords are part of the generation, so O(generation) returns to those of that time.
        type: dict
      page_cache:
        description:
          - The time for which nginx keeps pages whose C(Cache-Control) and C(Expires) do not say it, such as V(10s). A
            page with C(Cache-Control) is kept for as long as that allows. V(off) ends a cache that is inherited. Pages
            with the status 200, 301 and 404 are kept, so a new page can be 404 for that time after a request for it.
          - Only visitors without a session share pages. nginx passes requests with a cookie, a body or one of the
            headers C(Authorization), C(Proxy-Authorization), C(X-Authorization), C(X-Api-Key), C(Api-Key),
            C(X-Auth-Token), C(X-Access-Token) and C(X-Session-Token) on, except for cookies of well-known scripts that
            measure visits, and keeps no response with C(Set-Cookie). It keeps a page for each value of the headers in
            C(Vary). An application that knows its visitors by another header has to name that in C(Vary).
          - While nginx fetches a page again, and while the application fails or does not answer, visitors get the old
            one, up to an hour after its last use. The header C(X-Cache) says whether a page is from the cache.
          - The cache of a site has up to 100 MB. It is for pages that do not depend on the address of the visitor.
        type: str
      buffering:
        description:
          - With V(false), nginx passes requests on while they arrive, and responses while the application sends them.
            A slow client then occupies the application for as long as its request or response takes, so that a few of
            them can stop it. Use it for a path that streams uploads.
          - An application that only streams responses needs no option - it sends C(X-Accel-Buffering) with V(no).
        type: bool
      websocket:
        description:
          - Pass websocket handshakes to the application. An idle connection may then last for an hour, unless
            O(sites[].proxy_read_timeout) is set for the same path.
        type: bool
      client_max_body_size:
        description:
          - The largest request body, for example V(20m). nginx answers a larger one with 413 and does not pass it to
            the application.
        type: str
        default: 20m
      proxy_connect_timeout:
        description:
          - Time to reach the application, for example V(5s). nginx's default is 60 seconds.
        type: str
      proxy_send_timeout:
        description:
          - Time between two writes of the request to the application. nginx's default is 60 seconds.
        type: str
      proxy_read_timeout:
        description:
          - Time between two reads of the response; then the client gets 504. nginx's default is 60 seconds.
        type: str
      maintenance:
        description:
          - Answer every proxied location with 503, C(Retry-After) and a page. nginx still serves files.
        type: bool
        default: false
      tls:
        description:
          - The source of the certificate for HTTPS. With one, nginx redirects plain HTTP to HTTPS (308).
          - V(off) means plain HTTP only.
          - V(self_signed) creates a key and a certificate on the host, which browsers do not trust. They are valid for
            825 days and are replaced when the names change, or 30 days before they expire.
          - V(files) uses O(sites[].tls_certificate) and O(sites[].tls_key).
          - V(host) uses the same options as paths on the host, for a certificate that another program maintains
            there, such as a wildcard. nginx reads these files in place. The program should reload nginx after a
            renewal. Otherwise the next run does.
          - V(acme) expects a certificate from an authority, which M(gatehouse.django.certbot_certificates) requests.
            This module serves the challenge on port 80 and, until the certificate is installed, a self-signed
            placeholder. Names without a certificate are not redirected to HTTPS.
        type: str
        choices: [acme, files, host, self_signed, 'off']
        default: 'off'
      tls_certificate:
        description:
          - With O(sites[].tls=files), the PEM file on the controller with the certificate, followed by the intermediate
            certificates. It may also contain the key. The path is resolved like the C(src) of M(ansible.builtin.copy).
          - The certificate must be valid, match its key and cover all names of the site.
          - With O(sites[].tls=host), its absolute path on the host.
        type: str
      tls_key:
        description:
          - With O(sites[].tls=files), the PEM file on the controller with the private key, unless
            O(sites[].tls_certificate) contains it. It may be encrypted with ansible-vault.
          - With O(sites[].tls=host), its absolute path on the host. Not all users may read the file.
        type: str
      tls_listen:
        description:
          - Ports, or addresses with ports, for HTTPS. The default is port 443 on IPv4, and on IPv6 where the host has
            it.
        type: list
        elements: str
      acme_peers:
        description:
          - The servers of the other hosts that serve this site, each an address with its port, such as V(10.0.0.12:80).
            An authority asks only one of these hosts for a challenge (O(sites[].tls=acme)). nginx asks the others for
            one that it does not have itself, and they do not ask again.
          - Without O(sites[].tls=acme) it has no effect.
        type: list
        elements: str
        default: []
      hsts:
        description:
          - The C(Strict-Transport-Security) header, such as V(max-age=300). A browser that has received it refuses
            plain HTTP for that number of seconds, and this cannot be revoked. Start with minutes, and use
            V(max-age=31536000; includeSubDomains) when HTTPS has worked for a while.
        type: str
      http3:
        description:
          - Offer HTTP/3 as well, where nginx is built with it. It needs UDP on the ports of O(sites[].tls_listen).
        type: bool
        default: false
      headers:
        description:
          - Response headers of the site, by name, for every response including errors and files. A response of the
            application that has a header of that name keeps its own.
        type: dict
        default: {}
      behind:
        description:
          - What stands in front of nginx, such as a balancer, a CDN or another proxy. Without it, nginx believes
            nothing that a client says about its address or its scheme.
          - With it, nginx believes connections from C(addresses), and only these. The application, the access log and
            limits by address then see the visitor.
          - The scheme is that of the header C(X-Forwarded-Proto), and the port that of the URL or of
            C(X-Forwarded-Port). What stands in front has to set these headers, not to pass on those of visitors, and to
            pass on C(Host).
        type: dict
        suboptions:
          addresses:
            description:
              - The addresses and networks (V(10.0.0.0/8)) of what stands in front. Required.
            type: list
            elements: str
          header:
            description:
              - The header with the visitor's address, such as V(CF-Connecting-IP). The default is V(X-Forwarded-For),
                of which nginx takes the last address that is not in C(addresses). The application does not get it.
            type: str
          proxy_protocol:
            description:
              - Each connection begins with the PROXY protocol (version 1 or 2), which brings the visitor's address,
                instead of a header. nginx then closes all other connections to the addresses and ports of the site, and
                all sites there need this option.
              - The headers C(X-Forwarded-Proto) and C(X-Forwarded-Port) are the visitor's own then, and are not
                believed. Where the visitor connected to port 443 of the balancer, the scheme is C(https).
            type: bool
            default: false
          scheme:
            description:
              - The scheme of all visitors, for what stands in front and does not say it, such as a TLS balancer without
                HTTP headers, or CloudFront.
            type: str
            choices: [http, https]
          balancers:
            description:
              - These are balancers with O(sites[].upstreams). nginx then closes the connections of all others, except
                those of the host itself, and gives a request back to them that the application could not get.
              - With O(sites[].tls), they can use TLS, and the certificate is for C(NAME.gatehouse.internal) with the
                name of the site (O(sites[].upstream_authorities)). nginx redirects no visitor.
            type: bool
            default: false
      pages:
        description:
          - A directory on the controller with pages for the errors that nginx answers itself, as C(404.html),
            C(413.html), C(429.html), C(502.html), C(503.html) or C(504.html), and with C(robots.txt), C(favicon.ico)
            and C(security.txt), which is served below C(/.well-known/). The path is resolved like the C(src) of
            M(ansible.builtin.copy).
          - The error pages of the application are its own. C(404.html) is for files that do not exist.
          - A page must contain its styles and pictures, or refer to static files of the site. Each file has up to 256
            KiB.
        type: str
      upstreams:
        description:
          - >-
            Groups of servers on several hosts that serve the same, as lists of addresses with ports by the name of the
            group, such as C({web: ['10.0.0.1:80', '10.0.0.2:80']}). A location uses one as C(http://web) in
            O(sites[].locations[].proxy_pass). Such a name is not resolved.
          - Each request goes to the server that works on the fewest. One that a server cannot get, or gives back
            (O(sites[].behind.balancers)), goes to another server. A request that a server has got is repeated only if
            its method changes nothing (GET, HEAD, OPTIONS).
          - nginx tries to connect for two seconds, unless O(sites[].proxy_connect_timeout) is set. It waits for a host
            five seconds longer than the other timeouts say, because the server itself answers 504 in time.
        type: dict
        default: {}
      upstream_authorities:
        description:
          - >-
            Certificates of authorities, in PEM, by group of O(sites[].upstreams) and by server, such as
            C({web: {'10.0.0.1:443': '-----BEGIN CERTIFICATE-----...'}}). nginx then connects to the servers of the
            group over TLS, and sends requests to those only whose certificate is signed by one of these authorities and
            is for C(NAME.gatehouse.internal), with the name of the site.
          - A server with an empty text has the authority that it has in the live configuration. The module fails if it
            then knows none of the group.
        type: dict
        default: {}
      releases:
        description:
          - The release that the servers of a group must serve, by the name of the group - the path of a link to a
            directory with the name of the release, or with the name V(any). nginx follows it at each request, so a
            change of the link needs no reload. The directory must exist.
          - A server with another release gives a request back (O(sites[].behind.balancers)). It serves it if no server
            has the right one.
        type: dict
        default: {}
      locations:
        description:
          - The locations of the site, by path. Required for a site that is V(present).
          - Without a location for V(/) and without O(sites[].snippet), nginx answers every other path with 404.
        type: list
        elements: dict
        suboptions:
          path:
            description:
              - The path that the location serves. With O(sites[].locations[].alias), a path that ends with C(/) is a
                directory, and any other path is a single file (nginx's C(location =)).
              - With O(sites[].locations[].proxy_pass) it stands for whole components - V(/admin) and V(/admin/) both
                are C(/admin) and all paths below it, but not C(/administrator).
            type: str
            required: true
          alias:
            description:
              - The absolute directory (with C(/) at its end, like the path) or file to serve, as nginx's C(alias).
              - Files with a content hash in their name are sent as immutable for a year, others with C(no-cache), so
                that browsers keep them but ask whether they have changed. If C(name.gz) exists beside C(name), clients
                that accept it get C(name.gz). If nginx loads C(ngx_http_brotli_static_module), C(name.br) works in the
                same way and is preferred.
            type: str
          proxy_pass:
            description:
              - The application's address, C(http://host:port) or C(http://unix:/path/to/socket), without a path, or a
                group of O(sites[].upstreams).
            type: str
          internal:
            description:
              - Serve only C(X-Accel-Redirect) responses of the application, and answer clients with 404. Files are sent
                as C(private, no-cache).
            type: bool
            default: false
          sent_by:
            description:
              - With O(sites[].locations[].internal), the address (O(sites[].locations[].proxy_pass)) of the application
                whose responses may lead there. Without it, all applications of the site can send what is there.
            type: str
          files:
            description:
              - The servers of the group in O(sites[].upstreams) have files there. nginx asks the next one for a file
                that one lacks, and O(sites[].maintenance) does not concern the location.
            type: bool
            default: false
          untrusted:
            description:
              - The files come from users. nginx sends them with a Content-Security-Policy that keeps them from acting
                as pages of the site, and always with C(no-cache).
            type: bool
            default: false
          symlinks:
            description:
              - Whether nginx follows symbolic links between the part of O(sites[].locations[].alias) that only root can
                change and the file. nginx always follows links in directories that only root can change.
              - V(auto) is V(refuse) below C(/srv/<app>/current/) and C(/srv/<app>/data/), where C(/srv/<app>) belongs
                to root as role C(gatehouse.django.django_app) creates it, and V(same_owner) elsewhere.
              - V(refuse) answers with 403 or 404. V(same_owner) follows a link if the link and its target belong to one
                user. V(follow) follows all links, to any file that nginx can read.
              - An app can create a link in a directory that it can write, and a visitor's archive can contain one. It
                would let everyone read its target, such as another app's files.
              - For a directory that is elsewhere on purpose, use its real path or a bind mount.
              - The module warns about existing links, and refuses one in an alias outside of C(/srv/<app>/).
            type: str
            choices: [auto, refuse, same_owner, follow]
            default: auto
          cache_control:
            description:
              - The C(Cache-Control) header of the location's files, instead of the default described for
                O(sites[].locations[].alias).
            type: str
          rate:
            description:
              - As O(sites[].rate), for this location.
            type: str
          burst:
            description:
              - As O(sites[].burst), for this location.
            type: int
          connections:
            description:
              - As O(sites[].connections), for this location.
            type: int
          allow:
            description:
              - As O(sites[].allow), for this location.
            type: list
            elements: str
          deny:
            description:
              - As O(sites[].deny), for this location.
            type: list
            elements: str
          basic_auth:
            description:
              - As O(sites[].basic_auth), for this location.
            type: dict
          page_cache:
            description:
              - As O(sites[].page_cache), for this location.
            type: str
          buffering:
            description:
              - As O(sites[].buffering), for this location.
            type: bool
          websocket:
            description:
              - As O(sites[].websocket), for this location.
            type: bool
          client_max_body_size:
            description:
              - As O(sites[].client_max_body_size), for this location.
            type: str
          proxy_connect_timeout:
            description:
              - As O(sites[].proxy_connect_timeout), for this location.
            type: str
          proxy_send_timeout:
            description:
              - As O(sites[].proxy_send_timeout), for this location.
            type: str
          proxy_read_timeout:
            description:
              - As O(sites[].proxy_read_timeout), for this location.
            type: str
          snippet:
            description:
              - nginx directives for this location, written unchanged and unquoted.
            type: str
      snippet:
        description:
          - nginx directives for the site's C(server) block, written unchanged and unquoted.
          - What nginx accepts, but what has no effect or takes requests from the site's own locations, is refused - a
            header that a location replaces, an C(error_page) for a status that has a page, or a location without
            C(root), C(alias), C(proxy_pass) or C(return).
        type: str
  purge:
    description:
      - Remove every site of this module that O(sites) does not list. Other sites stay.
    type: bool
    default: false
  nginx_conf:
    description:
      - Settings of C(nginx.conf) and of the default server, which closes connections for unknown host names (444).
      - Without this option both stay unchanged.
    type: dict
    suboptions:
      manage:
        description:
          - V(auto) replaces C(nginx.conf) on a host whose nginx configuration is the distribution's, and does not
            change it where it was edited or a site was added. Once replaced, it stays managed.
          - V(always) replaces it in any case. The original is kept as C(gatehouse/nginx.conf.original) beside it.
          - V(never) does not change it, and restores the original where it was replaced.
        type: str
        choices: [auto, always, never]
        default: auto
      worker_connections:
        description:
          - Connections per worker process, as nginx's C(worker_connections), from 16 to 1000000. A proxied client
            uses two.
          - Without this option, 8192 or as many as fit into the files that nginx may have open on the host.
          - Where the given number does not fit, nginx gets as many as fit, and the module warns.
        type: int
      http_snippet:
        description:
          - nginx directives for the C(http) block, written unchanged and unquoted. Those that the sites set themselves
            are refused, such as C(add_header), C(error_page) and C(gzip).
        type: str
  generation:
    description:
      - Return to an earlier configuration instead - the number of a generation that M(gatehouse.django.nginx_info)
        lists, or V(previous) for the newest one before the live one.
      - It becomes live as a new generation, after the same validation and with the same proof. The last ten are kept.
      - Using V(previous) twice in a row restores the first state; a number is idempotent.
      - Cannot be combined with O(sites), O(purge) and O(nginx_conf).
    type: str
  rendered:
    description:
      - Set by the action plugin of this module, from the other options. Not for playbooks.
    type: dict
  certificates:
    description:
      - As O(rendered).
    type: dict
  passwords:
    description:
      - As O(rendered).
    type: dict
  aliases:
    description:
      - As O(rendered).
    type: list
    elements: str
  acme_sites:
    description:
      - As O(rendered).
    type: list
    elements: str
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
  - gatehouse.django.attributes
attributes:
  check_mode:
    support: full
    details:
      - Validates the candidate with C(nginx -t) in a private mount namespace. Where nginx is not installed yet, or
        the kernel refuses the namespace, RV(validated) is V(not).
  diff_mode:
    support: full
seealso:
  - module: gatehouse.django.nginx_info
  - name: nginx, alias
    description: The directive and its pitfalls.
    link: https://nginx.org/en/docs/http/ngx_http_core_module.html#alias
"""

EXAMPLES = r"""
- name: Serve static files from disk and everything else from Django
  gatehouse.django.nginx_config:
    sites:
      - name: myproject
        server_name: [myproject.example.com]
        locations:
          - path: /static/
            alias: /var/www/myproject/static/
          - path: /
            proxy_pass: http://127.0.0.1:8000

- name: Publish a site with uploads, protected files and a websocket
  gatehouse.django.nginx_config:
    sites:
      - name: shop
        server_name: [shop.example.com]
        redirect_from: [www.shop.example.com]
        locations:
          - path: /static/
            alias: /srv/shop/current/static/
          - path: /media/
            alias: /srv/shop/data/media/
            untrusted: true
          - path: /invoices/
            alias: /srv/shop/data/invoices/
            internal: true
          - path: /ws/
            proxy_pass: http://unix:/srv/shop/current/web.sock
            websocket: true
          - path: /
            proxy_pass: http://unix:/srv/shop/current/web.sock

- name: Limit logins, and protect the admin and a staging site
  gatehouse.django.nginx_config:
    sites:
      - name: shop
        server_name: [shop.example.com]
        locations:
          - path: /accounts/login/
            proxy_pass: http://unix:/srv/shop/current/web.sock
            rate: 5r/m
          - path: /admin/
            proxy_pass: http://unix:/srv/shop/current/web.sock
            allow: [10.0.0.0/8]
          - path: /
            proxy_pass: http://unix:/srv/shop/current/web.sock
      - name: staging
        server_name: [staging.example.com]
        basic_auth:
          team: "{{ vault_staging_password }}"
        locations:
          - path: /
            proxy_pass: http://127.0.0.1:8000

- name: Return to the configuration before the last change
  gatehouse.django.nginx_config:
    generation: previous

- name: Remove a site
  gatehouse.django.nginx_config:
    sites:
      - name: shop
        state: absent
"""

RETURN = r"""
generation:
  description: The number of the live generation; in check mode the number of the generation that stays live. 0 means
    that the host has none yet.
  returned: success
  type: int
  sample: 12
sites:
  description: The names of all sites in the new configuration.
  returned: success
  type: list
  elements: str
  sample: [shop]
validated:
  description:
    - V(isolated) if C(nginx -t) accepted the candidate before the switch, V(in_place) if it did so right after the
      switch, V(unchanged) if there was nothing to validate, V(not) in check mode where validation is not possible.
  returned: success
  type: str
  sample: isolated
reloaded:
  description: Whether nginx was reloaded and started new worker processes; always false in check mode.
  returned: success
  type: bool
  sample: true
owns_nginx_conf:
  description: Whether C(nginx.conf) is managed.
  returned: success
  type: bool
  sample: true
not_owned_because:
  description: The file that keeps V(auto) from managing C(nginx.conf).
  returned: when O(nginx_conf.manage) is V(auto) and there is such a file
  type: str
  sample: /etc/nginx/sites-enabled/blog
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.gatehouse.django.plugins.module_utils._core.failures import Attempt, explain_failures
from ansible_collections.gatehouse.django.plugins.module_utils._core.lock import LockError, locked
from ansible_collections.gatehouse.django.plugins.module_utils._nginx import (
    certificates,
    generation,
    ownership,
    ports,
    upstream_tls,
    worker_limits,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.alias_guard import check_aliases
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.facts import describe, master_pid, nginx_program
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.plan import Plan, Refused, make_plan
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.records import (
    HostAnswer,
    NginxFacts,
    Params,
    Rendered,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.spec import ARGUMENT_SPEC
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.symlinks import (
    check_links,
    default_policy,
    readable_aliases,
)
from ansible_collections.gatehouse.django.plugins.module_utils._nginx.transaction import apply


def main() -> None:
    """Run the transaction, in check mode without its changes."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    # nginx's workers must be able to read the error pages: do not depend on root's umask.
    os.umask(0o022)
    attempt = Attempt("looking at nginx on this host")
    with explain_failures(module, attempt, (Refused, LockError)):
        _run(module, attempt)


def _description(params: Params) -> str:
    """What the call does, for the message of a failure."""
    rendered = params["rendered"]
    if rendered is None:
        return f"returning to generation '{params['generation']}'"
    sites = list(rendered["sites"])
    return f"publishing {', '.join(f'site {name!r}' for name in sites)}" if sites else "configuring nginx"


def _state(conf_dir: str, before: int) -> str:
    """Describe the live generation; *before* was live when the run began."""
    now = generation.live_number(conf_dir)
    if now == before:
        return "The live configuration is as it was."
    return (
        f"Generation {now} is live now, generation {before} was live before. "
        "Run this again: the next run reloads nginx if that is still missing."
    )


def _run(module: AnsibleModule, attempt: Attempt) -> None:
    params: Params = module.params
    binary = nginx_program(module.get_bin_path)
    manage = params["nginx_conf"]["manage"] if params["nginx_conf"] else None
    host = describe(module.run_command, binary, manage)
    if params["generation"] is None and params["rendered"] is None:
        _answer_action(module, attempt, host, params)
    attempt.doing = _description(params)
    if binary is None and not module.check_mode:
        raise Refused(
            "nginx is not installed on this host; the role gatehouse.django.nginx installs it. Nothing was changed."
        )
    warnings = _check_aliases(params["rendered"])
    if binary is None:
        result, plan = ownership.plan_without_nginx(host, params)
        _refuse_taken_ports(module, plan, None)
    else:
        with locked("nginx"):
            before = generation.live_number(host["conf_dir"])
            attempt.state = lambda: _state(host["conf_dir"], before)
            owns_nginx_conf, foreign_file = ownership.decide_nginx_conf(module.run_command, host, manage)
            plan = make_plan(module.run_command, host, params, owns_nginx_conf)
            if not module.check_mode:
                _refuse_unready(host["conf_dir"], params["rendered"], plan)
            ownership.refuse_http3(module.run_command, host, plan.after.generation, module.check_mode)
            _refuse_taken_ports(module, plan, master_pid(module.run_command, host["pid_path"]))
            result = apply(module.run_command, host, plan, check_mode=module.check_mode)
            if foreign_file:
                result["not_owned_because"] = foreign_file
    candidate = plan.after.generation
    if candidate.owns_nginx_conf:
        warnings += worker_limits.warnings(params["nginx_conf"], host)
    for warning in [*warnings, *plan.warnings]:
        module.warn(warning)
    module.exit_json(
        diff=plan.diff(f"{host['conf_dir']}/gatehouse/live"),
        sites=list(candidate.sites),
        owns_nginx_conf=bool(candidate.owns_nginx_conf),
        **result,
    )


def _refuse_unready(conf_dir: str, rendered: Rendered | None, plan: Plan) -> None:
    """Refuse TLS with servers that nginx reaches without it, and that fail with it."""
    try:
        if rendered:
            live = generation.read_base(conf_dir).files
            upstream_tls.refuse_unready(rendered["sites"], live, plan.after.generation.files)
    except ValueError as error:
        raise Refused(f"{error}. Nothing was changed.") from error


def _refuse_taken_ports(module: AnsibleModule, plan: Plan, master: int | None) -> None:
    """Refuse addresses that another process has, unless nginx runs and is to serve what it serves."""
    candidate = plan.after.generation
    if plan.changed or not master or not ports.is_of_unit(master):
        wanted = ports.wanted(candidate.sites.values(), has_default=bool(candidate.owns_nginx_conf))
        taken = ports.taken(module.run_command, wanted, master)
        if taken:
            raise Refused(f"{' '.join(taken)} Nothing was changed.")


def _answer_action(module: AnsibleModule, attempt: Attempt, host: NginxFacts, params: Params) -> None:
    """Tell the action plugin about the host for which it renders, and end the run."""
    acme_sites = params["acme_sites"] or []
    attempt.doing = f"looking at the certificates of {acme_sites}"
    certified = certificates.certified_names(host["conf_dir"], acme_sites)
    symlinks = {alias: default_policy(alias) for alias in params["aliases"] or []}
    answer: HostAnswer = {**host, "certified": certified, "symlinks": symlinks}
    module.exit_json(changed=False, **answer)


def _check_aliases(rendered: Rendered | None) -> list[str]:
    """Refuse aliases that would publish too much; returns warnings about links that nginx will not follow."""
    try:
        if rendered:
            return check_links(rendered["aliases"]) + check_aliases(readable_aliases(rendered["aliases"]))
    except ValueError as error:
        raise Refused(str(error)) from error
    return []


if __name__ == "__main__":
    main()
