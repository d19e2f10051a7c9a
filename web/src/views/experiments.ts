// Experiments: what each variant does, what came of it, and how sure that is.
import * as api from "../api";
import { h, type IconName, replace } from "../dom";
import { historyPlot, intervalPlot } from "../effects";
import { compact, count, duration, plural } from "../format";
import { announce, badge, empty, failure, poll, table, type ViewHandle } from "../parts";
import type {
  Comparison,
  DecisionState,
  Experiment,
  ExperimentHead,
  ExperimentRow,
  OutcomeSum,
} from "../types";

const POLL_MS = 10_000;

const SIGNS: Record<
  DecisionState,
  { tone: "good" | "bad" | "plain"; icon: IconName; label: string }
> = {
  winner: { tone: "good", icon: "check", label: "Winner" },
  harmful: { tone: "bad", icon: "alert", label: "Harmful" },
  broken_assignment: { tone: "bad", icon: "alert", label: "Assignment broken" },
  undecided: { tone: "plain", icon: "question", label: "Undecided" },
};

const figure = (value: number | null): string =>
  value === null ? "–" : value.toLocaleString("en-US", { maximumSignificantDigits: 4 });

const signed = (value: number | null): string =>
  value === null ? "–" : `${value > 0 ? "+" : ""}${figure(value)}`;

function decision(row: ExperimentHead): HTMLElement {
  const sign = SIGNS[row.decision.state];
  const label = row.decision.variant ? `${sign.label}: ${row.decision.variant}` : sign.label;
  return badge(sign.tone, sign.icon, label);
}

const running = (row: ExperimentHead): HTMLElement =>
  row.running
    ? badge("good", "play", "Running")
    : badge("warn", "pause", row.stopped ? "Stopped" : "Switched off");

const partial = (row: ExperimentHead): HTMLElement | null =>
  row.partial ? badge("warn", "alert", "Partial") : null;

function countedBy(one: Experiment): string {
  if (one.partial) {
    return " Redis does not answer: what other gateways counted is what was heard last.";
  }
  return one.gateways > 1 ? ` Counted by ${count(one.gateways)} gateways.` : "";
}

const ROWS = [
  ["Experiment", ""],
  ["State", ""],
  ["Decision", ""],
  ["Variants", "medium"],
  ["Units", "num"],
  ["Outcomes", "num"],
] as const;

function listRow(one: ExperimentRow): HTMLElement {
  return h(
    "tr",
    {},
    h(
      "th",
      { scope: "row" },
      h("a", { href: `#/experiments/${encodeURIComponent(one.id)}` }, one.id),
    ),
    h("td", {}, h("div", { class: "badges" }, running(one), partial(one))),
    h("td", {}, decision(one)),
    h("td", { class: "medium" }, one.variants.join(", ")),
    h("td", { class: "num" }, compact(one.units)),
    h("td", { class: "num" }, compact(one.outcomes)),
  );
}

const VARIANTS = [
  ["Variant", ""],
  ["Share", "num medium"],
  ["Units", "num"],
  ["Requests", "num"],
  ["Errors", "num"],
  ["Latency, mean", "num"],
  ["Tokens, mean", "num medium"],
  ["Cost, mean", "num medium"],
] as const;

function measured(sum: OutcomeSum | undefined, show: (value: number) => string): string {
  return sum?.mean === null || sum?.mean === undefined ? "–" : show(sum.mean);
}

function variantsTable(one: Experiment): HTMLElement {
  return table(
    `Variants of ${one.id}`,
    VARIANTS,
    one.variants.map((variant) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, variant.name),
        h("td", { class: "num medium" }, figure(variant.share)),
        h("td", { class: "num" }, count(variant.units)),
        h("td", { class: "num" }, count(variant.requests)),
        h(
          "td",
          { class: "num" },
          measured(variant.measured.error, (value) => `${(100 * value).toFixed(1)}%`),
        ),
        h(
          "td",
          { class: "num" },
          measured(variant.measured.latency_ms, (value) => duration(1000 * value)),
        ),
        h("td", { class: "num medium" }, measured(variant.measured.tokens, figure)),
        h(
          "td",
          { class: "num medium" },
          measured(variant.measured.cost_usd, (value) => `$${value.toFixed(6)}`),
        ),
      ),
    ),
  );
}

function sign(one: Comparison): HTMLElement {
  if (one.better) return badge("good", "check", "Better");
  if (one.worse) return badge("bad", "alert", "Worse");
  return badge("plain", "question", "Open");
}

const EFFECTS = [
  ["Variant and metric", ""],
  ["Control", "num medium"],
  ["Variant", "num medium"],
  ["Effect", "num"],
  ["Interval", "num"],
  ["", "plot"],
  ["p", "num medium"],
  ["Says", ""],
] as const;

function effectsTable(one: Experiment): HTMLElement {
  return table(
    `Effects of ${one.id}`,
    EFFECTS,
    one.comparisons.map((item) => {
      const same = one.comparisons.filter((other) => other.metric === item.metric);
      const role = item.role === "guardrail" ? "guardrail, " : "";
      return h(
        "tr",
        {},
        h(
          "th",
          { scope: "row" },
          `${item.variant} · ${item.metric}`,
          h(
            "p",
            { class: "note" },
            `${role}${item.direction === "increase" ? "more" : "less"} is better`,
          ),
        ),
        h("td", { class: "num medium" }, figure(item.control)),
        h("td", { class: "num medium" }, figure(item.mean)),
        h("td", { class: "num" }, signed(item.effect)),
        h("td", { class: "num" }, `${signed(item.low)} to ${signed(item.high)}`),
        h("td", { class: "plot" }, intervalPlot(item, same)),
        h(
          "td",
          { class: "num medium" },
          item.p_adjusted === null ? "–" : item.p_adjusted.toPrecision(2),
        ),
        h("td", {}, sign(item)),
      );
    }),
  );
}

function historyCards(one: Experiment): HTMLElement | null {
  const cards = one.comparisons
    .map((item) => ({
      item,
      points: one.history.filter(
        (point) => point.variant === item.variant && point.metric === item.metric,
      ),
    }))
    .filter(({ points }) => points.length > 1)
    .map(({ item, points }) =>
      h(
        "figure",
        { class: "card chart" },
        h(
          "figcaption",
          { class: "card-head" },
          h(
            "div",
            {},
            h("h2", {}, `${item.variant} · ${item.metric}`),
            h(
              "p",
              { class: "note" },
              `Effect and interval from ${count(points[0]?.outcomes ?? 0)} to ${count(points.at(-1)?.outcomes ?? 0)} observations`,
            ),
          ),
        ),
        historyPlot(item, points),
      ),
    );
  return cards.length > 0 ? h("div", { class: "chart-grid effects" }, cards) : null;
}

function detailBody(one: Experiment, act: (stop: boolean) => void): HTMLElement {
  const p = one.assignment.p;
  const set_aside =
    one.set_aside > 0
      ? h(
          "p",
          { class: "note" },
          `${plural(one.set_aside, "outcome")} of other variants set aside.`,
        )
      : null;
  return h(
    "div",
    {},
    h(
      "div",
      { class: "card" },
      h(
        "div",
        { class: "card-head" },
        h("div", { class: "badges" }, running(one), partial(one), decision(one)),
        h(
          "button",
          { type: "button", onclick: () => act(!one.stopped) },
          one.stopped ? "Start" : "Stop",
        ),
      ),
      h("p", {}, one.decision.reason),
      h(
        "p",
        { class: "note" },
        `${plural(one.units, "unit")}, ${plural(one.outcomes, "outcome")}; units against shares: `,
        one.assignment.mismatch ? "they do not fit" : "they fit",
        p === null ? "" : ` (p ${p.toPrecision(2)})`,
        `. Intervals of ${(100 * one.significance).toFixed(1)}% hold however often one looks.`,
        countedBy(one),
      ),
      set_aside,
    ),
    variantsTable(one),
    effectsTable(one),
    historyCards(one),
  );
}

function view(title: string, body: HTMLElement, back: boolean): HTMLElement {
  return h(
    "div",
    {},
    h(
      "div",
      { class: "view-head" },
      h("h1", { tabindex: "-1" }, title),
      back
        ? h(
            "div",
            { class: "view-tools" },
            h("a", { class: "button quiet", href: "#/experiments" }, "All experiments"),
          )
        : null,
    ),
    body,
  );
}

export function experimentList(): ViewHandle {
  const body = h("div");
  const load = async (): Promise<void> => {
    try {
      const { experiments } = await api.experiments();
      replace(
        body,
        experiments.length > 0
          ? table("Experiments", ROWS, experiments.map(listRow))
          : empty("No experiment", "Name one under experiments in assay.yaml."),
      );
    } catch (error) {
      replace(
        body,
        failure(error, () => void load()),
      );
    }
  };
  const timer = poll(POLL_MS, load);
  return { element: view("Experiments", body, false), leave: () => timer.stop() };
}

export function experimentDetail(id: string): ViewHandle {
  const body = h("div", { class: "experiment" });
  const act = async (stop: boolean): Promise<void> => {
    try {
      await api.switchExperiment(id, stop);
      announce(stop ? "No unit gets a variant any more." : "Units get variants again.");
    } catch (error) {
      announce(error instanceof Error ? error.message : String(error));
    }
    await load();
  };
  const load = async (): Promise<void> => {
    try {
      replace(
        body,
        detailBody(await api.experiment(id), (stop) => void act(stop)),
      );
    } catch (error) {
      replace(
        body,
        failure(error, () => void load()),
      );
    }
  };
  const timer = poll(POLL_MS, load);
  return { element: view(id, body, true), leave: () => timer.stop() };
}
