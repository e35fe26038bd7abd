"""The playbook that upgrades PostgreSQL, and what it leaves on the host."""

from helpers.play import REPOSITORY, Play

PLAYBOOK = REPOSITORY / "playbooks/upgrade_postgresql.yml"
OLD, NEW = "15/main", "17/main"
JOURNAL = "/var/lib/gatehouse/postgresql/upgrade.json"
TABLES = ("names", "ledger_entry")


class Upgrade:
    """The playbook on the host, and what is on the host."""

    def __init__(self, host):
        self.host, self.name = host, host.backend.name

    def play(self, check=False, **variables):
        return Play(PLAYBOOK, self.host, check=check, **variables).finish()

    def sql(self, statement, database="ledger", port=5432):
        psql = "psql -XAtq -v ON_ERROR_STOP=1 -p %s -d %s -c %s"
        command = f"cd / && runuser -u postgres -- env PGOPTIONS='-c search_path=pg_catalog,public' {psql}"
        return self.host.check_output(command, str(port), database, statement)

    def rows(self):
        """A digest of each table, row for row."""
        digest = "SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY id), '')) FROM {} AS t"
        return [self.sql(digest.format(table)) for table in TABLES]

    def clusters(self):
        """The port of each cluster that runs, None for one that is stopped."""
        lines = self.host.check_output("pg_lsclusters --no-header").splitlines()
        fields = [line.split() for line in lines]
        return {f"{one[0]}/{one[1]}": one[2] if one[3] == "online" else None for one in fields}

    def leftovers(self):
        """Directories of clusters, besides those of the two that a test knows, and the journal."""
        places = f"/etc/postgresql/*/* /var/lib/postgresql/*/* {JOURNAL}"
        found = self.host.check_output(f"ls -d {places} 2>/dev/null; true").split()
        return [path for path in found if not path.endswith(("/15/main", "/17/main"))]
