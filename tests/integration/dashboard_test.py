"""The dashboard in a browser, before a real `assay serve` with real traffic; axe looks at every view.

    .venv/bin/python tests/integration/dashboard_test.py                    # the tests
    .venv/bin/python tests/integration/dashboard_test.py --screenshots      # writes docs/images/dashboard-*.png
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from unittest import mock

try:
    import axe_playwright_python
    from playwright.sync_api import Page, expect, sync_playwright
except ImportError:
    sync_playwright = None

from fake_upstream import FakeUpstream, answer, error
from redis_process import INSTALLED, RedisProcess

SOURCE = Path(__file__).resolve().parents[2]
ASSAY = os.environ.get("ASSAY_PROGRAM", str(SOURCE / "build" / "release" / "assay"))
HANDBOOK = SOURCE / "examples" / "handbook"
IMAGES = SOURCE / "docs" / "images"
CHROMIUM = shutil.which("chromium")
PASSWORD = "correct horse battery"
SCREENSHOTS = False

SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 360, "height": 740}}
VIEWS = {
    "traffic": ("#/overview", "Traffic"),
    "exchanges": ("#/exchanges", "Exchanges"),
    "upstreams": ("#/upstreams", "Upstreams"),
    "cache": ("#/cache", "Cache"),
    "experiments": ("#/experiments", "Experiments"),
    "keys": ("#/keys", "API keys"),
}
PICTURES = (
    "traffic-wide-light", "traffic-narrow-dark", "exchanges-wide-light", "exchanges-narrow-light", "exchange-wide-dark",
    "upstreams-wide-dark", "cache-wide-light", "experiment-wide-light", "keys-wide-light", "sign-in-wide-light",
)
ANSWER = (
    "Full-time employees receive 35 days of paid annual leave per calendar year. "
    "A doctor's note is required from the fourth day of illness. "
    "The cafeteria serves lobster with truffles every Wednesday evening."
)


async def model(call) -> None:
    """The upstream: fails where a question has the word "broken"."""
    await (error(500) if b"broken" in call.body else answer(ANSWER))(call)


class Gateway:
    """`assay serve` with everything on, in front of a fake upstream."""

    def __init__(self, folder: Path, upstream_url: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.data.mkdir(mode=0o700)
        self.config = folder / "assay.yaml"
        self.config.write_text(
            f"""
listen: ["127.0.0.1:0"]
data_folder: {self.data}
upstreams:
  local-gpu: {{url: "{upstream_url}", price: {{prompt_usd: 3, completion_usd: 12}}, rate: {{requests_per_minute: 60000}}}}
routes:
  handbook: {{experts: [local-gpu/gemma3-270m], documents: ["{HANDBOOK}"]}}
  support-chat: {{experts: [local-gpu/gemma3-270m]}}
  lab: {{experts: [local-gpu/gemma3-270m]}}
experiments:
  tone:
    routes: [lab]
    variants: {{plain: {{}}, warm: {{system: "Be warm."}}}}
    metrics: {{solved: {{}}, latency_ms: {{direction: decrease, role: guardrail, margin: 0.5}}}}
cache: {{compressed: {{enabled: true}}}}
keys: {{mode: required}}
request_log: {{enabled: true, texts: true}}
"""
        )
        self.token = self.assay("keys", "create", "--state", self.data, "--name", "web-app", "--scope",
                                "inference,claims", "--requests", 20000, "--cost", 50).strip()
        self.environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
        self.process = subprocess.Popen(
            [ASSAY, "serve", "--config", self.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=self.environment,
        )
        self.log: list[str] = []
        threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True).start()
        line = self.process.stdout.readline()
        found = re.search(r"http://[\d.]+:\d+", line)
        if not found:
            self.process.kill()
            raise AssertionError(f"assay serve did not start: {line}{''.join(self.log)}")
        self.url = found.group(0)

    def assay(self, *arguments: object, text: str = "") -> str:
        done = subprocess.run([ASSAY, *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def set_password(self) -> None:
        self.assay("dashboard", "password", "--config", self.config, text=PASSWORD + "\n")

    def post(self, path: str, body: dict, token: str | None = None) -> urllib.request.Request:
        return urllib.request.Request(
            self.url + path, json.dumps(body).encode(),
            {"content-type": "application/json", "authorization": f"Bearer {token or self.token}"},
        )

    def experiment(self, users: int) -> None:
        """Users ask on the route `lab`; warm answers help more of them."""
        for i in range(users):
            body = {"model": "lab", "user": f"u{i}", "messages": [{"role": "user", "content": "Why?"}]}
            with urllib.request.urlopen(self.post("/v1/chat/completions", body), timeout=30) as reply:
                warm = reply.headers["x-assay-variant"] == "tone=warm"
            solved = i % 10 < (8 if warm else 3)
            with urllib.request.urlopen(
                self.post("/v1/experiments/tone/outcome", {"unit": f"u{i}", "values": {"solved": solved}}), timeout=30
            ) as reply:
                assert reply.status == 200

    def ask(self, question: str, route: str = "support-chat", token: str | None = None) -> int:
        request = self.post(
            "/v1/chat/completions", {"model": route, "messages": [{"role": "user", "content": question}]}, token
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                reply.read()
                return reply.status
        except urllib.error.HTTPError as refused:
            refused.read()
            return refused.code

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()


@unittest.skipIf(sync_playwright is None or CHROMIUM is None, "playwright or chromium is not installed")
class DashboardTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.upstream = FakeUpstream(model).__enter__()
        cls.addClassCleanup(cls.upstream.__exit__)
        cls.gateway = Gateway(Path(cls.folder.name), cls.upstream.url)
        cls.addClassCleanup(cls.gateway.stop)
        cls.gateway.set_password()
        cls.traffic()
        if SCREENSHOTS:
            cls.more_traffic()
        cls.playwright = sync_playwright().start()
        cls.addClassCleanup(cls.playwright.stop)
        cls.browser = cls.playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        cls.addClassCleanup(cls.browser.close)
        cls.axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
        # One sign-in for most tests: the door is rate limited.
        context = cls.browser.new_context(base_url=cls.gateway.url)
        page = context.new_page()
        cls.sign_in(page)
        cls.state = context.storage_state()
        context.close()

    @classmethod
    def traffic(cls) -> None:
        """Misses, hits, a checked answer, failures: 63 exchanges."""
        assert cls.gateway.ask("How many days of leave do I get?", "handbook") == 200
        for i in range(60):
            assert cls.gateway.ask(f"How do I reset my password? ({i % 12})") == 200
        assert cls.gateway.ask("What is broken?") >= 500
        assert cls.gateway.ask("How many days of leave do I get?", "handbook") == 200

    @classmethod
    def more_traffic(cls) -> None:
        """A minute and a half of it, for the pictures."""
        rng, begin = random.Random(7), time.monotonic()
        while (now := time.monotonic() - begin) < 90:
            question = int(rng.paretovariate(0.55)) % 3000
            if rng.random() < 0.04:
                cls.gateway.ask(f"How many days of leave do I get in year {question}?", "handbook")
            cls.gateway.ask(f"How do I reset my password? ({question})")
            time.sleep(rng.random() * (0.03 + 0.025 * math.sin(now / 9)))

    def page(self, size: str = "wide", theme: str = "light", signed_in: bool = True) -> Page:
        context = self.browser.new_context(
            base_url=self.gateway.url, viewport=SIZES[size], color_scheme=theme, reduced_motion="reduce",
            storage_state=self.state if signed_in else None, locale="en-GB", timezone_id="UTC",
        )
        self.addCleanup(context.close)
        page = context.new_page()
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda problem: self.complaints.append(str(problem)))
        page.on("request", lambda request: self.hosts.add("/".join(request.url.split("/")[:3])))
        page.set_default_timeout(10_000)
        return page

    @staticmethod
    def sign_in(page: Page) -> None:
        DashboardTest.sign_in_at(page, "")

    @staticmethod
    def sign_in_at(page: Page, url: str) -> None:
        page.goto(f"{url}/dashboard")
        page.get_by_label("Admin password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Traffic")

    def open(self, page: Page, view: str) -> None:
        address, title = VIEWS[view]
        page.goto("about:blank")
        page.goto("/dashboard" + address)
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        if view == "traffic":
            expect(page.locator(".u-wrap")).to_have_count(5)
            expect(page.locator(".live-text")).to_contain_text("Updated")
        elif view == "upstreams":
            expect(page.get_by_role("heading", name="local-gpu")).to_be_visible()
        else:
            expect(page.locator("main table")).to_be_visible()

    def assert_accessible(self, page: Page, where: str) -> None:
        page.evaluate(self.axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        text = "\n".join(f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:160]}" for v in found)
        self.assertEqual(text, "", where)
        spill = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        self.assertLessEqual(spill, 0, f"{where} is wider than its window")

    def picture(self, page: Page, name: str) -> None:
        if SCREENSHOTS and name in PICTURES:
            IMAGES.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=IMAGES / f"dashboard-{name}.png")

    def open_checked_exchange(self, page: Page) -> None:
        page.goto("/dashboard#/exchanges?route=handbook&cache=miss")
        page.locator("tbody a").first.click()
        expect(page.get_by_role("heading", name="Trace")).to_be_visible()

    # -- every view, in both themes and widths ------------------------------------------------------------------------

    def visit(self, size: str, theme: str) -> None:
        page = self.page(size, theme)
        for view in VIEWS:
            self.open(page, view)
            self.assert_accessible(page, f"{view}, {size}, {theme}")
            self.picture(page, f"{view}-{size}-{theme}")
        self.open_checked_exchange(page)
        self.assert_accessible(page, f"exchange, {size}, {theme}")
        self.picture(page, f"exchange-{size}-{theme}")
        if size == "narrow":
            self.open(page, "keys")
            page.get_by_role("button", name="New key").click()
            self.assert_accessible(page, f"new key, {size}, {theme}")
        else:
            self.open(page, "traffic")
            for button in page.get_by_role("button", name="Table").all():
                button.click()
            self.assert_accessible(page, f"tables of the charts, {size}, {theme}")
        self.assertEqual(self.complaints, [])
        self.assertEqual(self.hosts, {self.gateway.url})

    def test_an_experiment_shows_effects_and_can_be_stopped(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        gateway = Gateway(Path(folder.name), self.upstream.url)
        self.addCleanup(gateway.stop)
        gateway.set_password()
        gateway.experiment(300)
        for size, theme in (("wide", "light"), ("narrow", "dark")):
            page = self.page(size, theme, signed_in=False)
            self.sign_in_at(page, gateway.url)
            page.goto(f"{gateway.url}/dashboard#/experiments")
            page.get_by_role("link", name="tone").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("tone")
            expect(page.get_by_text("Winner: warm")).to_be_visible()
            expect(page.locator("svg.effect.better.history")).to_have_count(1)
            expect(page.locator("td svg.effect")).to_have_count(2)
            self.assert_accessible(page, f"experiment, {size}, {theme}")
            self.picture(page, f"experiment-{size}-{theme}")
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_text("Stopped")).to_be_visible()
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_text("Running", exact=True)).to_be_visible()
        self.assertEqual(self.complaints, [])

    @unittest.skipUnless(INSTALLED, "redis-server is not installed")
    def test_an_experiment_whose_other_counts_may_be_missing_says_so(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        redis = self.enterContext(RedisProcess())
        settings = {"ASSAY_CACHE_REDIS_URL": f"redis://127.0.0.1:{redis.port}", "ASSAY_CACHE_REDIS_TIME": "1 s"}
        with mock.patch.dict(os.environ, settings):
            gateway = Gateway(Path(folder.name), self.upstream.url)
        self.addCleanup(gateway.stop)
        gateway.set_password()
        gateway.experiment(20)
        page = self.page("wide", "light", signed_in=False)
        self.sign_in_at(page, gateway.url)
        page.goto(f"{gateway.url}/dashboard#/experiments/tone")
        expect(page.get_by_text("Running", exact=True)).to_be_visible()
        expect(page.get_by_text("Partial", exact=True)).to_have_count(0)
        redis.kill()
        # The page asks again every ten seconds, and the gateway gives Redis three.
        expect(page.get_by_text("Partial", exact=True)).to_be_visible(timeout=30_000)
        expect(page.get_by_text("Redis does not answer")).to_be_visible()
        page.goto(f"{gateway.url}/dashboard#/experiments")
        expect(page.get_by_text("Partial", exact=True)).to_be_visible()
        self.assert_accessible(page, "partial experiment")
        self.assertEqual(self.complaints, [])

    def test_wide_light(self) -> None:
        self.visit("wide", "light")

    def test_wide_dark(self) -> None:
        self.visit("wide", "dark")

    def test_narrow_light(self) -> None:
        self.visit("narrow", "light")

    def test_narrow_dark(self) -> None:
        self.visit("narrow", "dark")

    # -- the door -----------------------------------------------------------------------------------------------------

    def test_without_a_password_the_page_says_how_to_set_one(self) -> None:
        kept = self.gateway.data / "dashboard.password"
        aside = kept.with_suffix(".aside")
        kept.rename(aside)
        self.addCleanup(lambda: aside.exists() and aside.rename(kept))
        for theme in ("light", "dark"):
            page = self.page("narrow", theme, signed_in=False)
            page.goto("/dashboard")
            expect(page.get_by_role("heading", level=1)).to_have_text("Set a password first")
            expect(page.get_by_text("assay dashboard password")).to_be_visible()
            self.assert_accessible(page, f"no password, {theme}")

    def test_a_wrong_password_is_refused_in_words(self) -> None:
        page = self.page(signed_in=False)
        page.goto("/dashboard")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Assay")
        self.assert_accessible(page, "sign-in")
        self.picture(page, "sign-in-wide-light")
        page.get_by_label("Admin password").fill("wrong horse battery")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("That is not the password.")
        expect(page.get_by_label("Admin password")).to_be_focused()
        self.assert_accessible(page, "sign-in, refused")

    def test_a_session_has_a_strict_cookie_and_ends_with_sign_out(self) -> None:
        page = self.page(signed_in=False)
        self.sign_in(page)
        cookie = page.context.cookies()[0]
        self.assertTrue(cookie["httpOnly"])
        self.assertEqual(cookie["sameSite"], "Strict")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Assay")
        self.assertEqual(page.context.cookies(), [])
        page.context.add_cookies([cookie])
        page.goto("/dashboard#/keys")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Assay")

    def test_without_a_data_folder_the_page_says_what_is_missing(self) -> None:
        process = subprocess.Popen(
            [ASSAY, "serve", "--upstream", self.upstream.url, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=self.gateway.environment,
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, 30)
        self.addCleanup(process.terminate)
        url = re.search(r"http://[\d.]+:\d+", process.stdout.readline()).group(0)
        page = self.page(signed_in=False)
        page.goto(url + "/dashboard")
        expect(page.get_by_role("heading", level=1)).to_have_text("Set a password first")
        expect(page.get_by_text("ASSAY_DATA_FOLDER")).to_be_visible()
        self.assert_accessible(page, "no data folder")

    # -- what the views do --------------------------------------------------------------------------------------------

    def test_traffic_counts_what_was_asked(self) -> None:
        page = self.page()
        self.open(page, "traffic")
        tile = page.locator(".tile", has_text="Hit ratio").locator(".tile-value")
        expect(tile).to_have_text(re.compile(r"^\d\d\.\d%$"))
        saved = page.locator(".tile", has_text="Saved").locator(".tile-value")
        expect(saved).to_have_text(re.compile(r"^\$0\.\d{4}$"))
        page.get_by_role("button", name="Table of Requests").click()
        table = page.get_by_role("table", name=re.compile("^Requests"))
        expect(table.get_by_role("columnheader")).to_have_text(["Time", "Cache", "Coalesced", "Upstream", "Errors"])
        pause = page.get_by_role("button", name="Pause")
        pause.click()
        expect(page.get_by_role("button", name="Resume")).to_be_focused()

    def test_exchanges_are_filtered_and_paged(self) -> None:
        page = self.page()
        self.open(page, "exchanges")
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(50)
        page.get_by_role("button", name="Older").click()
        expect(page.get_by_role("status").first).to_contain_text("Page 2")
        self.assertLess(rows.count(), 50)
        page.get_by_role("button", name="Newer").click()
        expect(rows).to_have_count(50)
        page.get_by_label("Answered by").select_option("memory")
        page.get_by_role("button", name="Apply").click()
        expect(page.locator("tbody tr").first).to_contain_text("Memory")
        self.assertEqual(set(page.locator("tbody .badge.accent").all_inner_texts()), {"Memory"})
        page.get_by_label("Answered by").select_option("")
        page.get_by_label("Status").select_option("error")
        page.get_by_label("Route").fill("support-chat")
        page.get_by_role("button", name="Apply").click()
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator("tbody tr")).to_contain_text(re.compile(r"50\d"))
        page.get_by_label("Route").fill("no-such-route")
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("Nothing fits these filters")).to_be_visible()

    def test_an_exchange_shows_its_trace_claims_and_texts(self) -> None:
        page = self.page()
        self.open_checked_exchange(page)
        spans = page.get_by_role("table", name=re.compile("Spans"))
        self.assertGreaterEqual(spans.locator("tbody tr").count(), 3)
        expect(page.get_by_text("Contradicted").first).to_be_visible()
        claim = page.locator(".claim.contradicted").first
        expect(claim).to_contain_text("35 days")
        expect(claim.locator("blockquote").first).to_contain_text("27 days")
        expect(claim.locator("code").first).to_contain_text(".md")
        expect(page.locator(".claim.unverified").first).to_contain_text("lobster")
        expect(page.get_by_role("region", name="Question")).to_contain_text("How many days of leave")
        page.get_by_role("link", name="All exchanges").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Exchanges")

    def test_emptying_the_cache_asks_first(self) -> None:
        page = self.page()
        question = "Is this answer kept?"
        self.assertEqual([self.gateway.ask(question, "support-chat") for _ in range(2)], [200, 200])
        calls = self.upstream.calls
        self.open(page, "cache")
        page.get_by_label("Route").fill("support-chat")
        page.get_by_role("button", name="Empty the cache").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("all answers of route “support-chat”")
        self.assert_accessible(page, "empty the cache?")
        dialog.get_by_role("button", name="Keep them").click()
        self.assertEqual((self.gateway.ask(question), self.upstream.calls), (200, calls))
        page.get_by_role("button", name="Empty the cache").click()
        page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(page.locator(".toast")).to_have_text(re.compile(r"^\d+ entr(y|ies) removed"))
        self.assertEqual((self.gateway.ask(question), self.upstream.calls), (200, calls + 1))

    def test_a_key_is_made_shown_once_used_and_revoked(self) -> None:
        page = self.page()
        self.open(page, "keys")
        page.get_by_role("button", name="New key").click()
        page.get_by_label("Name").fill("batch-jobs")
        page.get_by_label("Tokens").fill("100000")
        page.get_by_role("button", name="Create key").click()
        token = page.get_by_label("Key", exact=True).input_value()
        self.assertTrue(token.startswith("ask_"), token)
        self.assert_accessible(page, "the new key")
        page.get_by_role("button", name="Done").click()
        row = page.get_by_role("row", name=re.compile("batch-jobs"))
        expect(row).to_contain_text("Active")
        self.assertNotIn(token, page.content())
        self.assertEqual(self.gateway.ask("With the new key", token=token), 200)
        row.get_by_role("button", name="Revoke").click()
        page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        expect(row).to_contain_text("Revoked")
        self.assertEqual(self.gateway.ask("With the revoked key", token=token), 401)

    def test_a_keyboard_is_enough(self) -> None:
        page = self.page()
        self.open(page, "traffic")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        for name in ("Assay", "Traffic", "Exchanges", "Upstreams"):
            page.keyboard.press("Tab")
            expect(page.get_by_role("link", name=name, exact=True)).to_be_focused()
        page.keyboard.press("Enter")
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text("Upstreams")
        expect(heading).to_be_focused()
        expect(page.get_by_role("link", name="Upstreams", exact=True)).to_have_attribute("aria-current", "page")
        self.assertEqual(page.title(), "Upstreams · Assay")

    def test_the_chosen_theme_stays(self) -> None:
        page = self.page(theme="light")
        self.open(page, "cache")
        background = "getComputedStyle(document.documentElement).backgroundColor"
        light = page.evaluate(background)
        page.get_by_role("radio", name="Dark").check(force=True)
        dark = page.evaluate(background)
        self.assertNotEqual(light, dark)
        page.reload()
        expect(page.get_by_role("radio", name="Dark")).to_be_checked()
        self.assertEqual(page.evaluate(background), dark)


if __name__ == "__main__":
    SCREENSHOTS = "--screenshots" in sys.argv
    # Pictures want more traffic than the other tests count with.
    pictured = ["-k", "wide_", "-k", "narrow_", "-k", "wrong_password"] if SCREENSHOTS else []
    unittest.main(argv=[argument for argument in sys.argv if argument != "--screenshots"] + pictured)
