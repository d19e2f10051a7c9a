// The table of exchanges: filters in the address, pages by the last id seen.
import * as api from "../api";
import { h, icon, replace } from "../dom";
import { count, dateTime, duration, money, plural, timeOfDay } from "../format";
import {
  empty,
  failure,
  sourceBadge,
  statusBadge,
  table,
  VERDICT_SIGNS,
  type ViewHandle,
  verdictCounts,
} from "../parts";
import { type ExchangeRow, VERDICTS } from "../types";

const PAGE_ROWS = 50;

// As the request log writes what the cache said.
const ANSWERED = [
  ["memory", "Memory"],
  ["compressed", "Compressed"],
  ["disk", "Disk"],
  ["redis", "Redis"],
  ["semantic", "Semantic"],
  ["miss", "Upstream, after a miss"],
  ["bypass", "Upstream, cache not asked"],
] as const;

const COLUMNS = [
  ["Time", ""],
  ["Route", ""],
  ["Model", "wide"],
  ["Answered by", ""],
  ["Status", "medium"],
  ["Latency", "num"],
  ["Tokens", "num medium"],
  ["Cost", "num wide"],
  ["Claims", "medium"],
] as const;

function row(item: ExchangeRow): HTMLElement {
  return h(
    "tr",
    {},
    h(
      "td",
      { class: "num" },
      h(
        "a",
        { href: `#/exchanges/${encodeURIComponent(item.id)}`, title: dateTime(item.started_ms) },
        timeOfDay(item.started_ms),
        h("span", { class: "visually-hidden" }, `, exchange ${item.id}`),
      ),
    ),
    h("td", {}, h("span", { class: "clip" }, item.route || "–")),
    h("td", { class: "wide" }, h("span", { class: "clip faint" }, item.model || "–")),
    h(
      "td",
      {},
      item.status > 0 && item.status < 400 ? sourceBadge(item.source) : statusBadge(item.status),
    ),
    h("td", { class: "medium" }, statusBadge(item.status)),
    h("td", { class: "num" }, duration(item.duration_us)),
    h("td", { class: "num medium" }, count(item.prompt_tokens + item.completion_tokens)),
    h("td", { class: "num wide" }, money(item.cost_nanousd)),
    h("td", { class: "medium" }, verdictCounts(item.verdicts)),
  );
}

function select(
  name: string,
  label: string,
  current: string,
  options: readonly (readonly [value: string, text: string])[],
): HTMLElement {
  return h(
    "label",
    { class: "field" },
    h("span", {}, label),
    h(
      "select",
      { name },
      h("option", { value: "" }, "All"),
      options.map(([value, text]) => h("option", { value, selected: value === current }, text)),
    ),
  );
}

export function exchangeList(filter: URLSearchParams): ViewHandle {
  const body = h("div", { "aria-live": "off" });
  const status = h("p", { class: "note", role: "status" }, "Loading");
  const get = (name: string): string => filter.get(name) ?? "";
  const trail: string[] = [""];

  const form = h(
    "form",
    { class: "filters", method: "post", "aria-label": "Filter the exchanges" },
    h(
      "label",
      { class: "field" },
      h("span", {}, "Route"),
      h("input", { name: "route", value: get("route"), placeholder: "any", autocomplete: "off" }),
    ),
    select("cache", "Answered by", get("cache"), ANSWERED),
    select("status", "Status", get("status"), [
      ["ok", "Answered"],
      ["error", "Failed"],
    ]),
    select(
      "verdict",
      "Claim",
      get("verdict"),
      VERDICTS.map((v) => [v, VERDICT_SIGNS[v].label] as const),
    ),
    h(
      "label",
      { class: "field" },
      h("span", {}, "Id or trace"),
      h("input", { name: "search", value: get("search"), placeholder: "any", autocomplete: "off" }),
    ),
    h("button", { type: "submit" }, "Apply"),
  );
  const apply = (): void => {
    const parts = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && value.trim()) parts.set(name, value.trim());
    }
    const text = parts.toString();
    location.hash = text ? `#/exchanges?${text}` : "#/exchanges";
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });

  const load = async (): Promise<void> => {
    body.setAttribute("aria-busy", "true");
    try {
      const page = await api.exchanges({
        limit: String(PAGE_ROWS),
        before: trail.at(-1),
        route: get("route"),
        cache: get("cache"),
        search: get("search"),
        status: get("status"),
        verdict: get("verdict"),
      });
      const filtered = [...filter.keys()].length > 0;
      status.textContent =
        page.items.length === 0
          ? ""
          : `Page ${trail.length}, ${plural(page.items.length, "exchange")}, newest first`;
      replace(
        body,
        page.items.length > 0
          ? table("Exchanges, newest first", COLUMNS, page.items.map(row))
          : filtered
            ? empty("Nothing fits these filters", "Take one away, or wait for more traffic.")
            : empty("No exchange yet", "Requests through Assay appear here within a second."),
        pages(page.next),
      );
    } catch (error) {
      status.textContent = "";
      replace(
        body,
        failure(error, () => void load()),
      );
    }
    body.removeAttribute("aria-busy");
  };

  const pages = (next: string | null): HTMLElement =>
    h(
      "nav",
      { class: "pages", "aria-label": "Pages" },
      h(
        "button",
        {
          type: "button",
          disabled: trail.length < 2,
          onclick: () => {
            trail.pop();
            void load();
          },
        },
        "Newer",
      ),
      h(
        "button",
        {
          type: "button",
          disabled: next === null,
          onclick: () => {
            if (next !== null) trail.push(next);
            void load();
          },
        },
        "Older",
      ),
    );

  void load();
  return {
    element: h(
      "div",
      {},
      h(
        "div",
        { class: "view-head" },
        h("h1", { tabindex: "-1" }, "Exchanges"),
        h(
          "div",
          { class: "view-tools" },
          status,
          h("button", { type: "button", onclick: () => void load() }, icon("exchanges"), "Refresh"),
        ),
      ),
      form,
      body,
    ),
  };
}
