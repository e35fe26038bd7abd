from django.db import models


class Row(models.Model):
    """One thing that was done, and which process of which release did it."""

    kind = models.CharField(max_length=20)
    label = models.CharField(max_length=200)
    release = models.CharField(max_length=40)
    pid = models.IntegerField()
    user = models.CharField(max_length=40)
    # Proof of the secret that a process has, without the secret.
    token = models.CharField(max_length=64)
    begun = models.FloatField()
    ended = models.FloatField(null=True)
