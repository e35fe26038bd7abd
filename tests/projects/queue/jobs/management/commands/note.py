from django.core.management.base import BaseCommand

from jobs.record import write


class Command(BaseCommand):
    help = "Writes a row, as a timer's job."

    def add_arguments(self, parser):
        parser.add_argument("label")

    def handle(self, *args, **options):
        write("note", options["label"])
