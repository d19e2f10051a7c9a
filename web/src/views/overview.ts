// Live traffic of the last hour.
import * as api from "../api";
import { Chart, type ChartOptions } from "../charts";
import { h, icon, replace, style } from "../dom";
import { compact, count, duration, money, percent, rate, short, timeOfDay } from "../format";
import { announce, failure, poll, VERDICT_SIGNS, type ViewHandle } from "../parts";
import type { Range, Traffic, TrafficPoint, Verdict } from "../types";
import { VERDICTS } from "../types";

const MIN_MINUTES = 3;
const POLL_MS: Record<Range, number> = { minutes: 2000, hour: 10_000 };

type Reader = (point: TrafficPoint) => number | null;
type Column = { label: string; color: string; read: Reader; dash?: number[] };
type Panel = Omit<ChartOptions, "series"> & { columns: Column[] };

const hits = (p: TrafficPoint): number =>
  p.answered.memory + p.answered.compressed + p.answered.disk + p.answered.redis;

const share =
  (part: (p: TrafficPoint) => number): Reader =>
  (p) =>
    p.requests > 0 ? part(p) / p.requests : null;

const PANELS: Panel[] = [
  {
    title: "Requests",
    note: "Per second, by what answered them",
    stacked: true,
    format: rate,
    axis: short(rate),
    columns: [
      { label: "Cache", color: "--series-1", read: (p) => hits(p) },
      { label: "Coalesced", color: "--series-2", read: (p) => p.answered.coalesced },
      { label: "Upstream", color: "--series-3", read: (p) => p.answered.upstream },
      { label: "Errors", color: "--series-6", read: (p) => p.errors },
    ],
  },
  {
    title: "Hit ratio",
    note: "Share of all requests, by tier",
    stacked: true,
    max: 1,
    format: (value) => `${(value * 100).toFixed(value < 0.1 && value > 0 ? 1 : 0)}%`,
    columns: [
      { label: "Memory", color: "--series-1", read: share((p) => p.answered.memory) },
      { label: "Compressed", color: "--series-4", read: share((p) => p.answered.compressed) },
      { label: "Disk", color: "--series-2", read: share((p) => p.answered.disk) },
      { label: "Redis", color: "--series-5", read: share((p) => p.answered.redis) },
    ],
  },
  {
    title: "Latency",
    note: "Percentiles of whole answers",
    log: true,
    format: duration,
    axis: short(duration),
    columns: [
      { label: "p50", color: "--series-1", read: (p) => p.p50_us },
      { label: "p95", color: "--series-4", read: (p) => p.p95_us, dash: [6, 3] },
      { label: "p99", color: "--series-6", read: (p) => p.p99_us, dash: [2, 3] },
    ],
  },
  {
    title: "Cost",
    note: "Dollars a minute",
    format: money,
    axis: short(money),
    columns: [
      { label: "Saved", color: "--series-1", read: (p) => p.saved_nanousd * 60 },
      {
        label: "Spent",
        color: "--series-4",
        read: (p) => p.spent_nanousd * 60,
        dash: [6, 3],
      },
    ],
  },
  {
    title: "Tokens",
    note: "Tokens of all answers per second",
    format: compact,
    axis: short(compact),
    columns: [
      { label: "Prompt", color: "--series-2", read: (p) => p.prompt_tokens },
      {
        label: "Completion",
        color: "--series-5",
        read: (p) => p.completion_tokens,
        dash: [6, 3],
      },
    ],
  },
];

const sum = (points: TrafficPoint[], read: (p: TrafficPoint) => number): number =>
  points.reduce((total, point) => total + read(point), 0);

/** Mean of a percentile over the steps, weighted by requests: the steps' histograms are not kept. */
function typical(points: TrafficPoint[], read: (p: TrafficPoint) => number | null): number | null {
  let weight = 0;
  let total = 0;
  for (const point of points) {
    const value = read(point);
    if (value === null) continue;
    weight += point.requests;
    total += value * point.requests;
  }
  return weight > 0 ? total / weight : null;
}

function tile(label: string): { element: HTMLElement; set: (value: string, note: string) => void } {
  const value = h("dd", { class: "tile-value num" }, "–");
  const note = h("dd", { class: "tile-note" }, " ");
  return {
    element: h("div", { class: "tile" }, h("dt", {}, label), value, note),
    set: (text, more) => {
      value.textContent = text;
      note.textContent = more;
    },
  };
}

function verdictCard(): {
  element: HTMLElement;
  set: (verdicts: Record<Verdict, number>, span: string) => void;
} {
  const body = h("div", { class: "verdict-card" });
  const note = h("p", { class: "note" });
  return {
    element: h(
      "section",
      { class: "card", "aria-labelledby": "claims-title" },
      h(
        "div",
        { class: "card-head" },
        h("div", {}, h("h2", { id: "claims-title" }, "Claims checked"), note),
      ),
      body,
    ),
    set: (verdicts, span) => {
      note.textContent = `Verdicts ${span}, on routes with documents`;
      const total = VERDICTS.reduce((n, name) => n + verdicts[name], 0);
      if (total === 0) {
        replace(body, h("p", { class: "note quiet-note" }, `No claim was checked ${span}.`));
        return;
      }
      replace(
        body,
        h(
          "div",
          { class: "split", "aria-hidden": "true" },
          VERDICTS.filter((name) => verdicts[name] > 0).map((name) =>
            style(h("span", { class: VERDICT_SIGNS[name].tone }), {
              "--share": String(verdicts[name] / total),
            }),
          ),
        ),
        h(
          "dl",
          { class: "verdict-list" },
          VERDICTS.map((name) =>
            h(
              "div",
              { class: VERDICT_SIGNS[name].tone },
              h("dt", {}, icon(VERDICT_SIGNS[name].icon), VERDICT_SIGNS[name].label),
              h("dd", { class: "num" }, count(verdicts[name])),
              h("dd", { class: "num faint" }, percent(verdicts[name], total)),
            ),
          ),
        ),
      );
    },
  };
}

const RANGES: readonly [value: Range, label: string][] = [
  ["minutes", "5 min"],
  ["hour", "1 hour"],
];

export function overview(): ViewHandle {
  const charts = PANELS.map(
    ({ columns, ...options }) => new Chart({ ...options, series: columns }),
  );
  const claims = verdictCard();
  const tiles = {
    rate: tile("Requests"),
    hits: tile("Hit ratio"),
    median: tile("Latency p50"),
    tail: tile("Latency p99"),
    saved: tile("Saved"),
    errors: tile("Errors"),
  };
  const state = h("span", { class: "live-text" }, "Loading");
  const dot = h("span", { class: "dot", "aria-hidden": "true" });
  const problem = h("div");
  let range: Range = "hour";
  let paused = false;
  let loaded = false;
  let last = 0;

  const pause = h(
    "button",
    {
      type: "button",
      onclick: () => {
        paused = !paused;
        replace(pause, icon(paused ? "play" : "pause"), paused ? "Resume" : "Pause");
        dot.classList.toggle("off", paused);
        announce(paused ? "Updates are paused." : "Updates go on.");
      },
    },
    icon("pause"),
    "Pause",
  );

  const ranges = h(
    "fieldset",
    { class: "segmented" },
    h("legend", { class: "visually-hidden" }, "Time shown"),
    RANGES.map(([value, label]) =>
      h(
        "label",
        {},
        h("input", {
          type: "radio",
          name: "range",
          value,
          checked: value === range,
          onchange: () => {
            range = value;
            void load(true);
          },
        }),
        h("span", {}, label),
      ),
    ),
  );

  const show = (traffic: Traffic): void => {
    const { points } = traffic;
    const seconds = traffic.step_ms / 1000;
    const span = range === "hour" ? "in the last hour" : "in 5 minutes";
    const all = (read: (p: TrafficPoint) => number): number => sum(points, read) * seconds;
    const times = points.map((p) => p.t / 1000);
    charts.forEach((chart, i) => {
      const columns = PANELS[i]?.columns ?? [];
      chart.update(
        times,
        columns.map((column) => points.map(column.read)),
      );
    });
    claims.set(
      {
        supported: Math.round(all((p) => p.verdicts.supported)),
        contradicted: Math.round(all((p) => p.verdicts.contradicted)),
        unverified: Math.round(all((p) => p.verdicts.unverified)),
      },
      span,
    );
    const requests = all((p) => p.requests);
    const errors = all((p) => p.errors);
    const latest = points.at(-1);
    tiles.rate.set(`${rate(latest?.requests ?? 0)}/s`, `${compact(Math.round(requests))} ${span}`);
    tiles.hits.set(
      percent(all(hits), requests),
      `${compact(Math.round(all((p) => p.answered.upstream)))} asked upstream`,
    );
    tiles.median.set(duration(typical(points, (p) => p.p50_us)), "of whole answers");
    tiles.tail.set(duration(typical(points, (p) => p.p99_us)), "of whole answers");
    tiles.saved.set(
      money(all((p) => p.saved_nanousd)),
      `${money(all((p) => p.spent_nanousd))} spent upstream`,
    );
    tiles.errors.set(percent(errors, requests), `${compact(Math.round(errors))} ${span}`);
    state.textContent = `Updated ${timeOfDay(traffic.now_ms)}`;
  };

  const load = async (asked: boolean): Promise<void> => {
    const due = Date.now() - last >= POLL_MS[range];
    if (!asked && loaded && (paused || !due)) return;
    try {
      last = Date.now();
      let traffic = await api.traffic(range);
      // A gateway that has just begun has no whole minutes to draw.
      if (!loaded && range === "hour" && traffic.points.length < MIN_MINUTES) {
        range = "minutes";
        const choice = ranges.querySelector<HTMLInputElement>("input[value=minutes]");
        if (choice) choice.checked = true;
        traffic = await api.traffic(range);
      }
      loaded = true;
      show(traffic);
      replace(problem);
      dot.classList.remove("bad");
    } catch (error) {
      dot.classList.add("bad");
      if (problem.childElementCount === 0) {
        replace(
          problem,
          failure(error, () => void load(true)),
        );
      }
    }
  };

  const element = h(
    "div",
    {},
    h(
      "div",
      { class: "view-head" },
      h("h1", { tabindex: "-1" }, "Traffic"),
      h("div", { class: "view-tools" }, h("p", { class: "live" }, dot, state), ranges, pause),
    ),
    problem,
    h(
      "dl",
      { class: "tiles" },
      Object.values(tiles).map((one) => one.element),
    ),
    h(
      "div",
      { class: "chart-grid" },
      charts.map((c) => c.element),
      claims.element,
    ),
  );
  const timer = poll(1000, () => load(false));
  return {
    element,
    leave: () => {
      timer.stop();
      for (const chart of charts) chart.destroy();
    },
  };
}
