from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Row",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20)),
                ("label", models.CharField(max_length=200)),
                ("release", models.CharField(max_length=40)),
                ("pid", models.IntegerField()),
                ("user", models.CharField(max_length=40)),
                ("token", models.CharField(max_length=64)),
                ("begun", models.FloatField()),
                ("ended", models.FloatField(null=True)),
            ],
        ),
    ]
