"""A hostile project chooses the words that the operator reads, and the files that root reads."""

from plays import deploy

PAGE = """

def boom(request):
    raise ValueError("\\x1b]0;this title\\x07")


urlpatterns = [path("", boom), *urlpatterns]
"""


def test_an_exception_cannot_control_the_terminal(host, variant):
    played = deploy(host, "evil", variant({"+tiny/urls.py": PAGE}), health_path="/who/")
    assert played.code == 0, played.output
    assert "ValueError: \\x1b]0;this title\\x07" in played.output
    assert "\x1b]0;" not in played.output


def test_requirements_that_include_themselves_end(host, variant):
    project = variant({"requirements.txt": "-r again/requirements.txt\n"})
    (project / "again").symlink_to(".")
    assert "installing the dependencies of requirements.txt failed" in deploy(host, "evil", project).refusal
