from unittest import mock

from asgiref.testing import ApplicationCommunicator
from django.db import DatabaseError, connection
from django.test import SimpleTestCase, TestCase, override_settings

from .asgi import application


class HealthTests(TestCase):
    def test_well(self):
        response = self.client.get("/healthz")
        self.assertEqual((response.status_code, response.content), (200, b"ok"))

    def test_without_a_database(self):
        with (
            mock.patch.object(connection, "cursor", side_effect=DatabaseError),
            self.assertLogs("django.request", "ERROR"),
        ):
            self.assertContains(self.client.get("/healthz"), "database unavailable", status_code=503)


@override_settings(ALLOWED_HOSTS=["guestbook.example.test", "testserver"])
class BehindTheProxyTests(SimpleTestCase):
    https = {"host": "guestbook.example.test", "x-forwarded-proto": "https"}

    def test_whoami_shows_the_request_as_the_browser_made_it(self):
        who = self.client.get("/whoami", headers=self.https, REMOTE_ADDR="192.0.2.7").json()
        self.assertEqual(who["absolute"], "https://guestbook.example.test/")
        self.assertEqual(who["remote_addr"], "192.0.2.7")
        self.assertEqual(who["interface"], "wsgi")
        self.assertEqual(who["database"], connection.vendor)
        self.assertEqual(who["meta"]["HTTP_X_FORWARDED_PROTO"], "https")

    async def test_whoami_knows_asgi(self):
        who = (await self.async_client.get("/whoami", headers={"x-forwarded-proto": "https"})).json()
        self.assertEqual((who["interface"], who["is_secure"]), ("asgi", True))

    def test_an_absolute_redirect_keeps_the_scheme(self):
        response = self.client.get("/redirect", headers=self.https)
        self.assertEqual(response["Location"], "https://guestbook.example.test/")

    def test_a_relative_redirect(self):
        self.assertEqual(self.client.get("/old", headers=self.https)["Location"], "/")


class SleepTests(SimpleTestCase):
    def test_sleeps(self):
        with mock.patch("time.sleep") as slept:
            self.assertContains(self.client.get("/sleep", {"seconds": "2.5"}), "slept 2.5 s")
        slept.assert_called_once_with(2.5)

    def test_refuses_what_is_no_reasonable_time(self):
        for seconds in ("-1", "1e9", "nan", "a while"):
            with self.subTest(seconds=seconds), self.assertLogs("django.request", "WARNING"):
                self.assertEqual(self.client.get("/sleep", {"seconds": seconds}).status_code, 400)


class LargeTests(SimpleTestCase):
    def test_is_as_large_as_it_is_asked_to_be(self):
        self.assertEqual(len(self.client.get("/large", {"megabytes": "2"}).content), 2 * 1024 * 1024)

    def test_refuses_what_is_no_reasonable_size(self):
        for megabytes in ("", "-1", "65", "\u00b2", "a lot"):
            with self.subTest(megabytes=megabytes), self.assertLogs("django.request", "WARNING"):
                self.assertEqual(self.client.get("/large", {"megabytes": megabytes}).status_code, 400)


class EchoTests(SimpleTestCase):
    async def test_what_is_sent_comes_back(self):
        client = ApplicationCommunicator(application, {"type": "websocket", "path": "/ws/echo"})
        await client.send_input({"type": "websocket.connect"})
        self.assertEqual(await client.receive_output(), {"type": "websocket.accept"})

        await client.send_input({"type": "websocket.receive", "text": "hello"})
        self.assertEqual((await client.receive_output())["text"], "hello")
        await client.send_input({"type": "websocket.receive", "bytes": b"\xff"})
        self.assertEqual((await client.receive_output())["bytes"], b"\xff")

        await client.send_input({"type": "websocket.disconnect", "code": 1000})
        await client.wait()

    async def test_no_other_path_is_a_websocket(self):
        client = ApplicationCommunicator(application, {"type": "websocket", "path": "/ws/other"})
        await client.send_input({"type": "websocket.connect"})
        self.assertEqual(await client.receive_output(), {"type": "websocket.close"})


class SizesTests(SimpleTestCase):
    def test_counts_what_arrives(self):
        asked = self.client.get("/sizes/.net/?cookies=2&" + "a" * 90, headers={"x-long": "b" * 50, "x-number-1": "c"})
        counted = {"name": ".net/", "query": 100, "cookie": 0, "header": 50, "headers": 1}
        self.assertEqual(asked.json(), counted)
        self.assertEqual(self.client.get("/sizes/").json()["cookie"], 2 * 1000 - len("; "))

    def test_refuses_more_cookies_than_a_browser_keeps(self):
        for cookies in ("-1", "65", "many"):
            with self.subTest(cookies=cookies), self.assertLogs("django.request", "WARNING"):
                self.assertEqual(self.client.get("/sizes/", {"cookies": cookies}).status_code, 400)
