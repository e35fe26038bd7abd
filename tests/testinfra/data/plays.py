"""Plays with the app `ledger`, and what the server says."""

import shutil
import uuid
from pathlib import Path

from helpers.play import REPOSITORY, Play

PROJECT = REPOSITORY / "tests/projects/ledger"
DEPLOY = Path(__file__).parents[1] / "helpers/deploy.yml"
POSTGRESQL = Path(__file__).parent / "postgresql.yml"


def variant_in(directory, files):
    """A copy of the project that is a release of its own; *files* are written over it, or appended with a + before."""
    copy = Path(directory) / uuid.uuid4().hex
    shutil.copytree(PROJECT, copy)
    for name, content in {"variant.txt": copy.name, **files}.items():
        path = copy / name.lstrip("+")
        path.write_text((path.read_text() if name.startswith("+") else "") + content)
    return copy


def start_deploy(host, project=PROJECT, app="ledger", check=False, **changes):
    """The play that deploys *project*, running, in check mode or not; options of the app as keywords."""
    changes = {"source": {"directory": str(project)}, **changes}
    return Play(DEPLOY, host, check=check, lab_app=app, lab_changes=changes)


def make_databases(host, *databases, check=False):
    """How the play of the role postgresql ended."""
    return Play(POSTGRESQL, host, lab_databases=list(databases), check=check).finish()


def sql(host, statement, database="postgres"):
    """What a statement of the superuser returns."""
    psql = "psql -XAtq -v ON_ERROR_STOP=1 -d %s -c %s"
    # A database can have a search_path of its own, which leads the superuser into a trap.
    command = f"cd / && runuser -u postgres -- env PGOPTIONS='-c search_path=pg_catalog,public' {psql}"
    return host.check_output(command, database, statement)
