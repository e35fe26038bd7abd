import json
import os

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Print the arguments as they arrived, and the environment variables named by --show."

    def add_arguments(self, parser):
        parser.add_argument("--show", action="append", default=[])
        parser.add_argument("words", nargs="*")

    def handle(self, words, show, **options):
        self.stdout.write(json.dumps({"words": words, "environment": {name: os.environ.get(name) for name in show}}))
