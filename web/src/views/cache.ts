// Tiers of the cache, and the way to empty them.
import * as api from "../api";
import { h, replace } from "../dom";
import { bytes, count, percent, plural } from "../format";
import {
  announce,
  badge,
  dialog,
  empty,
  failure,
  meter,
  poll,
  sourceLabel,
  table,
  type ViewHandle,
} from "../parts";
import type { SemanticRoute, Tier } from "../types";

const POLL_MS = 10_000;

const COLUMNS = [
  ["Tier", ""],
  ["State", "medium"],
  ["Entries", "num"],
  ["Size", "meter-cell"],
  ["Hits", "num"],
  ["Hit ratio", "num medium"],
  ["Evicted", "num wide"],
] as const;

function row(tier: Tier): HTMLElement {
  const full = tier.capacity_bytes;
  const healthy = tier.state === "ok";
  return h(
    "tr",
    {},
    h(
      "th",
      { scope: "row" },
      sourceLabel(tier.name),
      healthy ? null : h("span", { class: "narrow" }, badge("warn", "alert", tier.state)),
    ),
    h(
      "td",
      { class: "medium" },
      badge(healthy ? "good" : "warn", healthy ? "check" : "alert", healthy ? "Ready" : tier.state),
    ),
    h("td", { class: "num" }, count(tier.entries)),
    h(
      "td",
      { class: "meter-cell" },
      full
        ? meter(
            `${sourceLabel(tier.name)} size`,
            tier.bytes,
            full,
            `${bytes(tier.bytes)} of ${bytes(full)}`,
            true,
          )
        : h("span", { class: "num" }, bytes(tier.bytes)),
    ),
    h("td", { class: "num" }, count(tier.hits)),
    h("td", { class: "num medium" }, percent(tier.hits, tier.hits + tier.misses)),
    h("td", { class: "num wide" }, count(tier.evictions)),
  );
}

const SEMANTIC_COLUMNS = [
  ["Route", ""],
  ["State", "medium"],
  ["Questions", "num"],
  ["Hits", "num"],
  ["Hit ratio", "num medium"],
  ["Wrong of checked", "num medium"],
  ["False hits, at most", "num"],
  ["Wrong of all requests", "num wide"],
] as const;

function semanticState(route: SemanticRoute): HTMLElement {
  if (!route.open) return badge("bad", "alert", "Closed: budget spent");
  if (route.alarm) return badge("warn", "alert", "Worse than before");
  if (route.file_error) return badge("warn", "alert", "Not kept on disk");
  return badge("good", "check", "Serving");
}

function semanticRow(route: SemanticRoute): HTMLElement {
  const well = route.open && !route.alarm && !route.file_error;
  return h(
    "tr",
    {},
    h(
      "th",
      { scope: "row" },
      route.route,
      well ? null : h("span", { class: "narrow" }, semanticState(route)),
      route.file_error ? h("p", { class: "note" }, route.file_error) : null,
    ),
    h("td", { class: "medium" }, semanticState(route)),
    h("td", { class: "num" }, count(route.entries)),
    h("td", { class: "num" }, count(route.hits)),
    h("td", { class: "num medium" }, percent(route.hits, route.requests)),
    h("td", { class: "num medium" }, `${count(route.wrong)} of ${count(route.checked)}`),
    h(
      "td",
      { class: "num" },
      route.checked > 0 ? percent(route.false_hit_share_upper, 1) : "not known yet",
    ),
    h("td", { class: "num wide" }, percent(route.error_share, 1)),
  );
}

function scopeText(filter: Record<string, string>): string {
  const parts = Object.entries(filter).map(([name, value]) => `${name} “${value}”`);
  return parts.length > 0 ? `all answers of ${parts.join(", ")}` : "every answer in every tier";
}

function confirmPurge(filter: Record<string, string>, done: () => void): void {
  const problem = h("p", { class: "field-error", role: "alert" });
  const cancel = h(
    "button",
    { type: "button", autofocus: true, onclick: () => box.close() },
    "Keep them",
  );
  const go = h(
    "button",
    {
      type: "button",
      class: "danger",
      onclick: async () => {
        go.disabled = true;
        try {
          const { purged } = await api.purge(filter);
          box.close();
          announce(`${plural(purged, "entry", "entries")} removed from the cache.`);
          done();
        } catch (error) {
          go.disabled = false;
          problem.textContent = error instanceof Error ? error.message : String(error);
        }
      },
    },
    "Remove",
  );
  const box = dialog(
    "Empty the cache?",
    h(
      "p",
      {},
      `This removes ${scopeText(filter)}. The next requests go upstream and cost money again. It cannot be undone.`,
    ),
    problem,
    h("div", { class: "actions" }, cancel, go),
  );
}

export function cacheView(): ViewHandle {
  const body = h("div");
  const load = async (): Promise<void> => {
    try {
      const state = await api.cache();
      replace(
        body,
        state.tiers.length > 0
          ? table("Tiers of the cache, in the order they are asked", COLUMNS, state.tiers.map(row))
          : empty(
              "The cache is off",
              "Switch it on in assay.yaml to answer repeated questions at once.",
            ),
        state.semantic.length > 0
          ? h(
              "section",
              { class: "stack", "aria-labelledby": "semantic-title" },
              h("h2", { id: "semantic-title" }, "Reworded questions"),
              h(
                "p",
                { class: "note" },
                "False hits are wrong answers among those served; “at most” is the upper end of the 95% interval.",
              ),
              table(
                "Semantic caches of the routes",
                SEMANTIC_COLUMNS,
                state.semantic.map(semanticRow),
              ),
            )
          : null,
      );
    } catch (error) {
      replace(
        body,
        failure(error, () => void load()),
      );
    }
  };
  const field = (name: string, label: string): HTMLElement =>
    h(
      "label",
      { class: "field" },
      h("span", {}, label),
      h("input", { name, placeholder: "any", autocomplete: "off" }),
    );
  const form = h(
    "form",
    { class: "filters", method: "post", "aria-labelledby": "purge-title" },
    field("route", "Route"),
    field("model", "Model"),
    field("tenant", "Tenant"),
    h("button", { type: "submit", class: "danger" }, "Empty the cache…"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const filter: Record<string, string> = {};
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && value.trim()) filter[name] = value.trim();
    }
    confirmPurge(filter, () => void load());
  });
  const timer = poll(POLL_MS, load);
  return {
    element: h(
      "div",
      { class: "stack" },
      h("div", { class: "view-head" }, h("h1", { tabindex: "-1" }, "Cache")),
      body,
      h(
        "section",
        { class: "card" },
        h(
          "div",
          { class: "card-head" },
          h(
            "div",
            {},
            h("h2", { id: "purge-title" }, "Empty the cache"),
            h("p", { class: "note" }, "Leave a field empty for all. You are asked once more."),
          ),
        ),
        form,
      ),
    ),
    leave: () => timer.stop(),
  };
}
