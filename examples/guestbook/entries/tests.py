import shutil
import tempfile

from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import TestCase, override_settings
from django.urls import reverse

from .models import Entry


class GuestbookTests(TestCase):
    def setUp(self):
        media_root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, media_root)
        settings = override_settings(MEDIA_ROOT=media_root)
        settings.enable()
        self.addCleanup(settings.disable)

    def test_an_entry_with_an_attachment_is_kept_and_shown(self):
        upload = SimpleUploadedFile("poem.txt", b"Roses are red\n")
        response = self.client.post("/", {"name": "Ada", "message": "Hello", "attachment": upload}, follow=True)

        self.assertRedirects(response, "/")
        self.assertContains(response, "Thank you, Ada.")
        entry = Entry.objects.get()
        self.assertContains(response, entry.attachment.url)
        self.assertEqual(entry.attachment.read(), b"Roses are red\n")
        entry.attachment.close()

    def test_the_next_visitor_sees_what_was_written_since_the_last(self):
        self.client.get("/")
        Entry.objects.create(name="Grace", message="A nanosecond ago")
        self.assertContains(self.client.get("/"), "A nanosecond ago")

    def test_an_empty_entry_is_refused(self):
        response = self.client.post("/", {"name": "", "message": ""})
        self.assertContains(response, "This field is required.", count=2)
        self.assertFalse(Entry.objects.exists())

    def test_markup_in_an_entry_is_only_text(self):
        Entry.objects.create(name="Mallory", message="<script>alert(1)</script>")
        self.assertNotContains(self.client.get("/"), "<script>")

    def test_the_page_names_its_static_files_by_their_content(self):
        static_root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, static_root)
        storages = {
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
        }
        with self.settings(STATIC_ROOT=static_root, STORAGES=storages):
            call_command("collectstatic", interactive=False, verbosity=0)
            self.assertRegex(self.client.get("/").content.decode(), r"/static/entries/guestbook\.[0-9a-f]{12}\.css")


class ProtectedFileTests(TestCase):
    url = reverse("protected", args=["häuser 100%.pdf"])

    def test_a_stranger_is_sent_to_log_in(self):
        response = self.client.get(self.url)
        self.assertRedirects(response, f"{reverse('admin:login')}?next={self.url.replace('%', '%25')}")

    def test_a_user_gets_the_file_from_nginx(self):
        self.client.force_login(get_user_model().objects.create_user("ada"))
        response = self.client.get(self.url)
        self.assertEqual(response["X-Accel-Redirect"], "/protected-files/h%C3%A4user%20100%25.pdf")
        self.assertNotIn("Content-Type", response)

    def test_a_hidden_file_does_not_exist(self):
        self.client.force_login(get_user_model().objects.create_user("ada"))
        with self.assertLogs("django.request", "WARNING"):
            self.assertEqual(self.client.get("/protected/..").status_code, 404)


class AdminTests(TestCase):
    def test_the_entries_can_be_searched(self):
        self.client.force_login(get_user_model().objects.create_superuser("root"))
        Entry.objects.create(name="Ada", message="Notes")
        response = self.client.get(reverse("admin:entries_entry_changelist"), {"q": "notes"})
        self.assertContains(response, "1 entry")

    def test_a_page_without_an_icon_of_its_own_finds_one(self):
        self.assertRedirects(
            self.client.get("/favicon.ico"), "/static/entries/favicon.svg", fetch_redirect_response=False
        )
