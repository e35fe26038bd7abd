"""What a diff shows of files that others write into."""

from ansible_collections.gatehouse.django.plugins.module_utils._postgresql import access, hba
from ansible_collections.gatehouse.django.plugins.module_utils._postgresql.cluster import Cluster
from ansible_collections.gatehouse.django.plugins.modules import postgresql_access

OTHERS = 'host all all 192.0.2.0/24 ldap ldapserver=ldap.example.com ldapbindpasswd="s3cr3t"\n'


def test_the_diff_of_pg_hba_has_the_lines_of_gatehouse_alone():
    cluster = Cluster("17", "main", is_online=True)
    after = hba.with_client(OTHERS, hba.Client("shop", "web1", "192.0.2.7/32"), ["web1"])
    settings = access.settings_file(cluster)
    texts = {"/etc/postgresql/17/main/pg_hba.conf": (OTHERS, after), settings: ("", access.render())}
    rules, whole = postgresql_access.difference(cluster, texts)
    assert (rules["before"], rules["after"]) == (
        "",
        'hostssl "shop","shop_restored" "shop" 192.0.2.7/32 scram-sha-256 # web1\n',
    )
    assert whole["after"] == access.render()
