from django.db import models


class Entry(models.Model):
    """A row that a visitor wrote."""

    text = models.CharField(max_length=200)
