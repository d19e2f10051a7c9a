"""Experiments in a running gateway: variants of requests, outcomes, analysis, stop and start, reload, kill."""
import json
import re
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from fake_upstream import FakeUpstream, error
from gateway_process import ASSAY, GatewayProcess, eventually

CHAT = "/v1/chat/completions"


def question(text="Why?", user="ann", **more):
    return {"model": "m", "user": user, "messages": [{"role": "user", "content": text}], **more}


def tone(**more):
    return {"metrics": {"solved": {"minimum": 0, "maximum": 1}}, "variants": {
        "plain": {}, "warm": {"system": "Be warm.", "temperature": 0.3, "model": "m-large", "fields": "{\"top_p\": 0.5}"}},
        **more}


class ExperimentsTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.upstream = self.enterContext(FakeUpstream())
        self.config = self.folder / "assay.json"

    def write(self, experiments, routes=None, **more):
        self.config.write_text(json.dumps({
            "data_folder": str(self.folder / "data"),
            "upstreams": {"u": {"url": self.upstream.url, "retry": {"attempts": 0}, "breaker": {"enabled": False},
                                "price": {"prompt_usd": 1, "completion_usd": 1}}},
            "routes": routes or {"*": {}}, "experiments": experiments, **more}))

    def serve(self, experiments=None, routes=None, **more):
        self.write({"tone": tone()} if experiments is None else experiments, routes, **more)
        return GatewayProcess("", "--config", self.config)

    def ask(self, gateway, user, text="Why?", **more):
        headers = more.pop("headers", None)
        reply = gateway.post(CHAT, question(text, user, **more), headers=headers)
        self.assertEqual(reply.status, 200, reply.body)
        return reply

    def variant(self, reply, experiment="tone"):
        return dict(one.split("=") for one in reply.headers.get("x-assay-variant", "").split(", ") if one).get(experiment)

    def same(self, one, other, name):
        if isinstance(other, float):
            self.assertAlmostEqual(one, other, 9, name)
        else:
            self.assertEqual(one, other, name)

    def users(self, gateway, count=2):
        """Names of `count` users of each variant, found by asking."""
        found = {"plain": [], "warm": []}
        for i in range(200):
            variant = self.variant(self.ask(gateway, f"u{i}"))
            if len(found[variant]) < count:
                found[variant].append(f"u{i}")
            if all(len(names) == count for names in found.values()):
                return found
        self.fail("200 users, and no two variants")

    def outcome(self, gateway, status=200, experiment="tone", **body):
        reply = gateway.post(f"/v1/experiments/{experiment}/outcome", body)
        self.assertEqual(reply.status, status, reply.body)
        return reply.json

    def report(self, gateway, experiment="tone"):
        reply = gateway.get(f"/v1/experiments/{experiment}")
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json

    def test_a_variant_changes_what_the_upstream_gets_and_the_control_does_not(self):
        with self.serve() as gateway:
            users = self.users(gateway, 1)
        sent = {one.json["user"]: one.json for one in self.upstream.requests}
        plain, warm = sent[users["plain"][0]], sent[users["warm"][0]]
        self.assertEqual(plain, question(user=users["plain"][0]))
        self.assertEqual(warm["messages"], [{"role": "system", "content": "Be warm."}, {"role": "user", "content": "Why?"}])
        self.assertEqual((warm["temperature"], warm["model"], warm["top_p"]), (0.3, "m-large", 0.5))

    def test_a_user_keeps_the_variant_and_variants_never_share_answers(self):
        with self.serve() as gateway:
            users = self.users(gateway, 2)
            calls = self.upstream.calls
            for variant, names in users.items():
                for name in names:
                    again = self.ask(gateway, name)
                    self.assertEqual(self.variant(again), variant)
                    self.assertEqual(again.cache, "hit; tier=memory")
            self.assertEqual(self.upstream.calls, calls)
        # One call for each variant: users of one variant share its answer.
        self.assertEqual(sorted(one.json["model"] for one in self.upstream.requests), ["m", "m-large"])

    def test_a_request_without_its_unit_takes_no_part(self):
        with self.serve() as gateway:
            body = question()
            del body["user"]
            self.assertNotIn("x-assay-variant", gateway.post(CHAT, body).headers)
            self.assertNotIn("x-assay-variant", gateway.post("/v1/embeddings", {"model": "m", "input": "x", "user": "a"}).headers)

    def test_units_may_be_a_header_or_the_tenant(self):
        by = {"shop": tone(unit="header", header="X-Shop", layer="a"), "whole": tone(unit="tenant", layer="b")}
        with self.serve(by) as gateway:
            seen = {}
            for i in range(30):
                reply = self.ask(gateway, f"u{i % 7}", headers={"x-shop": f"shop{i % 10}"})
                seen.setdefault(f"shop{i % 10}", set()).add(self.variant(reply, "shop"))
                seen.setdefault("tenant", set()).add(self.variant(reply, "whole"))
            self.assertTrue(all(len(one) == 1 for one in seen.values()), seen)
            self.assertEqual(set().union(*(one for name, one in seen.items() if name != "tenant")), {"plain", "warm"})

    def test_a_variant_may_send_to_another_route_and_may_leave_the_cache_out(self):
        experiments = {"cheap": {"unit": "user", "metrics": {"solved": {}},
                                 "variants": {"plain": {"cache": False}, "warm": {"route": "small"}}}}
        routes = {"*": {}, "small": {"experts": ["u/tiny"]}}
        with self.serve(experiments, routes) as gateway:
            for _ in range(2):
                for i in range(12):
                    reply = self.ask(gateway, f"u{i}")
                    hit = reply.cache == "hit; tier=memory"
                    self.assertFalse(hit and self.variant(reply, "cheap") == "plain")
        models = [one.json["model"] for one in self.upstream.requests]
        self.assertEqual(models.count("tiny"), 1)
        self.assertGreater(models.count("m"), 2)

    def test_streams_carry_the_variant_too(self):
        with self.serve() as gateway:
            reply = self.ask(gateway, "ann", stream=True)
            self.assertIn(self.variant(reply), ("plain", "warm"))
            self.assertTrue(reply.body.rstrip().endswith(b"[DONE]"))

    def test_outcomes_count_once_and_are_checked(self):
        with self.serve() as gateway:
            first = self.ask(gateway, "ann", headers={"x-request-id": "r1"})
            told = self.outcome(gateway, request_id="r1", values={"solved": True})
            self.assertEqual(told, {"experiment": "tone", "variant": self.variant(first), "recorded": 1, "repeated": 0})
            self.assertEqual(self.outcome(gateway, request_id="r1", values={"solved": 1})["repeated"], 1)
            self.assertEqual(self.outcome(gateway, unit="ann", values={"solved": 0})["recorded"], 1)
            self.outcome(gateway, 409, request_id="r1", values={"solved": 0})
            self.outcome(gateway, 404, request_id="r2", values={"solved": 0})
            self.outcome(gateway, 404, unit="bob", values={"solved": 0})
            self.outcome(gateway, 404, experiment="none", unit="ann", values={"solved": 0})
            for wrong in ({}, {"unit": "ann"}, {"unit": "ann", "values": {}}, {"unit": "ann", "values": {"solved": 2}},
                          {"unit": "ann", "values": {"sovled": 1}}, {"unit": "ann", "values": {"solved": "1"}},
                          {"unit": 1, "values": {"solved": 1}}, {"unit": "ann", "request_id": "r1", "values": {"solved": 1}},
                          {"unit": "ann", "values": {"solved": 1}, "more": 1}, {"unit": "", "values": {"solved": 1}}):
                self.outcome(gateway, 400, **wrong)
            report = self.report(gateway)
            self.assertEqual(report["outcomes"], 2)
            self.assertEqual(sum(one["units"] for one in report["variants"]), 1)

    def play(self, gateway, rates, users=400):
        """Asks once for each user; their outcomes have the variant's rate, without chance."""
        seen = dict.fromkeys(rates, 0)
        for i in range(users):
            variant = self.variant(self.ask(gateway, f"p{i}"))
            seen[variant] += 1
            solved = int(seen[variant] * rates[variant]) - int((seen[variant] - 1) * rates[variant])
            self.outcome(gateway, unit=f"p{i}", values={"solved": solved})
        return seen

    def test_the_better_variant_wins_and_the_history_narrows(self):
        with self.serve() as gateway:
            seen = self.play(gateway, {"plain": 0.3, "warm": 0.8}, 300)
            report = self.report(gateway)
            self.assertEqual({one["name"]: one["units"] for one in report["variants"]}, seen)
            self.assertEqual(report["decision"]["state"], "winner", report["decision"])
            self.assertEqual(report["decision"]["variant"], "warm")
            [one] = report["comparisons"]
            self.assertAlmostEqual(one["effect"], 0.5, delta=0.02)
            self.assertLess(one["low"], one["effect"])
            self.assertGreater(one["low"], 0)
            self.assertLess(one["p_adjusted"], 0.05)
            self.assertFalse(report["assignment"]["mismatch"])
            widths = [point["high"] - point["low"] for point in report["history"]]
            self.assertGreater(len(widths), 20)
            self.assertLess(widths[-1], widths[len(widths) // 4])
            [row] = gateway.get("/v1/experiments").json["experiments"]
            self.assertEqual((row["id"], row["running"], row["decision"]["variant"]), ("tone", True, "warm"))
            self.assertEqual(gateway.get("/v1/experiments/none").status, 404)

    def test_a_guardrail_that_the_gateway_measures_keeps_a_variant_from_winning(self):
        experiment = tone(metrics={"solved": {}, "tokens": {"direction": "decrease", "role": "guardrail"}},
                          variants={"plain": {}, "warm": {"cache": False}})
        with self.serve({"tone": experiment}) as gateway:
            self.play(gateway, {"plain": 0.3, "warm": 0.8}, 200)
            report = self.report(gateway)
            tokens = next(one for one in report["comparisons"] if one["metric"] == "tokens")
            self.assertTrue(tokens["worse"], tokens)  # no hits: every answer is paid for
            self.assertEqual(report["decision"]["state"], "harmful", report["decision"])

    def test_metrics_and_the_request_log_know_the_variant(self):
        with self.serve() as gateway:
            users = self.users(gateway, 1)
            self.upstream.script(error(500))
            self.assertEqual(gateway.post(CHAT, question("Fail", users["warm"][0])).status, 500)
            metrics = gateway.metrics()
            def of(name, variant):
                return metrics[f'{name}{{experiment="tone",variant="{variant}"}}']
            self.assertGreater(of("assay_experiment_requests_total", "plain"), 0)
            self.assertEqual(of("assay_experiment_errors_total", "warm"), 1)
            self.assertEqual(of("assay_experiment_errors_total", "plain"), 0)
            self.assertGreater(of("assay_experiment_tokens_total", "plain"), 0)
            self.assertGreater(of("assay_experiment_cost_usd_total", "warm"), 0)
            self.assertGreater(of("assay_experiment_seconds_count", "plain"), 0)
            measured = {one["name"]: one["measured"] for one in self.report(gateway)["variants"]}
            self.assertGreater(measured["warm"]["error"]["mean"], 0)
            self.assertGreater(measured["plain"]["latency_ms"]["mean"], 0)

    def test_stop_and_start_outlast_a_restart(self):
        with self.serve() as gateway:
            self.assertIsNotNone(self.variant(self.ask(gateway, "ann")))
            self.assertEqual(gateway.post("/v1/experiments/tone/stop", {}).json, {"id": "tone", "running": False})
            self.assertIsNone(self.variant(self.ask(gateway, "ann")))
            # What came of those who took part is still taken.
            self.assertEqual(self.outcome(gateway, unit="ann", values={"solved": 1})["recorded"], 1)
            self.assertEqual(gateway.post("/v1/experiments/none/stop", {}).status, 404)
        with self.serve() as gateway:
            self.assertIsNone(self.variant(self.ask(gateway, "ann")))
            self.assertTrue(self.report(gateway)["stopped"])
            self.assertTrue(gateway.post("/v1/experiments/tone/start", {}).json["running"])
            self.assertIsNotNone(self.variant(self.ask(gateway, "ann")))

    def test_a_killed_gateway_keeps_every_outcome_that_it_acknowledged(self):
        with self.serve() as gateway:
            for i in range(25):
                self.ask(gateway, f"u{i}", headers={"x-request-id": f"r{i}"})
                self.outcome(gateway, request_id=f"r{i}", values={"solved": i % 2})
            before = self.report(gateway)
            gateway.process.send_signal(signal.SIGKILL)
            gateway.process.wait()
        with self.serve() as gateway:
            after = self.report(gateway)
            self.assertEqual(after["outcomes"], 25)
            self.assertEqual(len(after["history"]), len(before["history"]))
            for name in ("comparisons", "history"):
                for one, other in zip(after[name], before[name], strict=True):
                    for member, value in other.items():  # sums may be rounded in another order
                        self.same(one[member], value, f"{name}.{member}")
            for one, other in zip(after["variants"], before["variants"], strict=True):
                self.assertEqual(one["units"], other["units"])
                for member, value in other["metrics"]["solved"].items():
                    self.same(one["metrics"]["solved"][member], value, member)
            self.assertEqual(self.outcome(gateway, request_id="r3", values={"solved": 1})["repeated"], 1)

    def test_an_orderly_end_keeps_what_was_measured(self):
        with self.serve() as gateway:
            for i in range(5):
                self.ask(gateway, f"u{i}")
        with self.serve() as gateway:
            self.assertEqual(sum(one["requests"] for one in self.report(gateway)["variants"]), 5)

    def test_a_reload_changes_experiments_and_sets_outcomes_of_other_variants_aside(self):
        with self.serve() as gateway:
            users = self.users(gateway, 1)
            for names in users.values():
                self.outcome(gateway, unit=names[0], values={"solved": 1})
            self.assertEqual(self.report(gateway)["outcomes"], 2)
            changed = tone()
            changed["variants"]["warm"]["system"] = "Be very warm."
            self.write({"tone": changed, "more": tone(layer="other")})
            gateway.process.send_signal(signal.SIGHUP)
            eventually(lambda: len(gateway.get("/v1/experiments").json["experiments"]) == 2, "the second experiment")
            report = self.report(gateway)
            self.assertEqual((report["outcomes"], report["set_aside"]), (1, 1))
            reply = eventually(lambda: (r := self.ask(gateway, users["warm"][0])).cache == "miss" and r, "a new variant")
            self.assertEqual(self.variant(reply), "warm")
            self.write({"tone": tone()})
            gateway.process.send_signal(signal.SIGHUP)
            eventually(lambda: self.report(gateway)["outcomes"] == 2, "the old variant with its outcomes")

    def test_config_check_names_line_and_reason(self):
        config = self.folder / "assay.yaml"
        config.write_text("""upstreams: {u: {url: http://127.0.0.1:1/v1}}
experiments:
  one:
    routes: [nowhere]
    variants:
      a: {}
      b: {fields: '{"messages": []}', route: elsewhere}
    metrics:
      solved: {role: guardrail}
  two:
    unit: header
    variants: {a: {}}
  three:
    variants: {a: {}, b: {shere: 2}}
""")
        done = subprocess.run([ASSAY, "config", "check", config], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"assay.yaml:14:\d+: experiments.three.variants.b.shere: unknown key; did you mean 'share'")
        config.write_text(config.read_text().replace("shere", "share"))
        done = subprocess.run([ASSAY, "config", "check", config], capture_output=True, text=True)
        for line, words in ((4, "'nowhere' is no route"), (7, "'messages' cannot be changed here"), (7, "'elsewhere' is no route"),
                            (9, "guardrails only"), (11, "name of a header"), (12, "are 1; an experiment has a control"),
                            (14, "are 0; an experiment has 1 to")):
            self.assertTrue(re.search(rf"assay.yaml:{line}:\d+: experiments\.\S+ .*{re.escape(words)}", done.stderr),
                            f"{line}: {words}\n{done.stderr}")

    def test_experiments_of_a_layer_must_not_share_slots(self):
        self.write({"one": tone(), "two": tone(first_slot=5000, slots=100)})
        done = subprocess.run([ASSAY, "config", "check", self.config], capture_output=True, text=True)
        self.assertIn("share slots of layer 'default'", done.stderr)
        halves = {"one": tone(slots=5000), "two": tone(first_slot=5000, slots=5000)}
        with self.serve(halves) as gateway:
            for i in range(40):
                reply = self.ask(gateway, f"u{i}")
                self.assertEqual((self.variant(reply, "one") is None) + (self.variant(reply, "two") is None), 1)


class ExperimentKeysTest(unittest.TestCase):
    """With keys required: who may see and do what."""

    def test_outcomes_need_inference_and_the_rest_admin(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        upstream = self.enterContext(FakeUpstream())
        config = folder / "assay.json"
        config.write_text(json.dumps({
            "data_folder": str(folder), "keys": {"mode": "required"}, "upstreams": {"u": {"url": upstream.url}},
            "experiments": {"tone": tone()}}))

        def key(scopes, tenant):
            made = subprocess.run([ASSAY, "keys", "create", "--name", "k", "--tenant", tenant, "--scope", scopes, "--state",
                                   folder, "--json"], capture_output=True, text=True, check=True)
            return {"authorization": "Bearer " + json.loads(made.stdout)["token"]}

        asks, other, admin = key("inference", "acme"), key("inference", "rival"), key("admin", "ops")
        with GatewayProcess("", "--config", config) as gateway:
            self.assertEqual(gateway.post(CHAT, question(), headers={**asks, "x-request-id": "r"}).status, 200)
            told = {"request_id": "r", "values": {"solved": 1}}
            path = "/v1/experiments/tone/outcome"
            self.assertEqual(gateway.post(path, told).status, 401)
            self.assertEqual(gateway.post(path, told, headers=other).status, 404, "another tenant's request")
            self.assertEqual(gateway.post(path, {"unit": "ann", "values": {"solved": 1}}, headers=other).status, 404)
            self.assertEqual(gateway.post(path, told, headers=asks).status, 200)
            for method, path in (("GET", "/v1/experiments"), ("GET", "/v1/experiments/tone"),
                                 ("POST", "/v1/experiments/tone/stop"), ("POST", "/v1/experiments/tone/start")):
                self.assertEqual(gateway.request(method, path, headers=asks).status, 403, path)
                self.assertEqual(gateway.request(method, path, headers=admin).status, 200, path)
        shown = subprocess.run([ASSAY, "audit", "show", "--state", folder, "--json"], capture_output=True, text=True)
        self.assertIn("experiment.stop", shown.stdout + shown.stderr)


if __name__ == "__main__":
    unittest.main()
