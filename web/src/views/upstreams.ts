// Health of the models' servers.
import * as api from "../api";
import { h, replace } from "../dom";
import { ago, compact, count, duration, percent, plural, timeOfDay } from "../format";
import { badge, empty, failure, poll, type ViewHandle } from "../parts";
import type { Upstream } from "../types";

const POLL_MS = 5000;

function breaker(item: Upstream): HTMLElement {
  if (item.breaker === "open") return badge("bad", "alert", "Shut off");
  if (item.breaker === "half-open") return badge("warn", "half", "Trying again");
  if (item.paused_ms > 0) {
    return badge("warn", "pause", `Paused ${Math.ceil(item.paused_ms / 1000)} s`);
  }
  return badge("good", "check", "Healthy");
}

function limits(item: Upstream): string {
  const parts: string[] = [];
  if (item.requests_per_minute !== null) {
    parts.push(`${count(item.requests_per_minute)} requests a minute`);
  }
  if (item.tokens_per_minute !== null) {
    parts.push(`${count(item.tokens_per_minute)} tokens a minute`);
  }
  return parts.length > 0 ? parts.join(", ") : "none";
}

const figure = (label: string, value: string): HTMLElement =>
  h("div", {}, h("dt", {}, label), h("dd", { class: "num" }, value));

function card(item: Upstream, nowMs: number): HTMLElement {
  return h(
    "li",
    { class: "card upstream" },
    h(
      "div",
      { class: "card-head" },
      h("div", {}, h("h2", {}, item.name), h("p", { class: "note" }, h("code", {}, item.url))),
      breaker(item),
    ),
    h(
      "dl",
      { class: "figures" },
      figure("Calls", compact(item.requests)),
      figure("Failed", `${compact(item.errors)} · ${percent(item.errors, item.requests)}`),
      figure("In flight", count(item.in_flight)),
      figure("First byte, mean", duration(item.latency_us)),
      figure("Retry-after", item.paused_ms > 0 ? duration(item.paused_ms * 1000) : "–"),
      figure("Waiting", count(item.waiting)),
      figure("Answered 429", compact(item.rate_limited)),
      figure("Held back", compact(item.refused)),
      figure("Shut off", plural(item.breaker_opened, "time")),
    ),
    h(
      "dl",
      { class: "lines" },
      h("div", {}, h("dt", {}, "Limits"), h("dd", {}, limits(item))),
      h("div", {}, h("dt", {}, "Routes"), h("dd", {}, item.routes.join(", ") || "none")),
    ),
    item.last_error
      ? h(
          "p",
          { class: "last-error" },
          h(
            "strong",
            {},
            `Last error${item.last_error_ms ? `, ${ago(item.last_error_ms, nowMs)}` : ""}: `,
          ),
          item.last_error,
        )
      : null,
  );
}

export function upstreamHealth(): ViewHandle {
  const body = h("div");
  const status = h("p", { class: "note" }, "Loading");
  const load = async (): Promise<void> => {
    try {
      const state = await api.upstreams();
      status.textContent = `Updated ${timeOfDay(state.now_ms)}`;
      replace(
        body,
        state.upstreams.length > 0
          ? h(
              "ul",
              { class: "cards" },
              state.upstreams.map((one) => card(one, state.now_ms)),
            )
          : empty("No upstream", "Name one with --upstream or in assay.yaml."),
      );
    } catch (error) {
      replace(
        body,
        failure(error, () => void load()),
      );
    }
  };
  const timer = poll(POLL_MS, load);
  return {
    element: h(
      "div",
      {},
      h(
        "div",
        { class: "view-head" },
        h("h1", { tabindex: "-1" }, "Upstreams"),
        h("div", { class: "view-tools" }, status),
      ),
      body,
    ),
    leave: () => timer.stop(),
  };
}
