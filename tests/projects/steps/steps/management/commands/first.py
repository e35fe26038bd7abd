from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Add a line to a file in the data."

    def add_arguments(self, parser):
        parser.add_argument("word")

    def handle(self, **options):
        with open(settings.BASE_DIR / "uploads" / "first.txt", "a") as file:
            print(options["word"], file=file)
