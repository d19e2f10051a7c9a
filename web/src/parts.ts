// Small parts that several views share.
import { ApiError } from "./api";
import { h, type IconName, icon, style } from "./dom";
import { count } from "./format";
import type { Source, Verdict } from "./types";

type Tone = "good" | "bad" | "warn" | "plain" | "accent";

export const badge = (tone: Tone, name: IconName | null, text: string): HTMLElement =>
  h("span", { class: `badge ${tone}` }, name ? icon(name) : null, text);

export const VERDICT_SIGNS: Record<Verdict, { tone: Tone; icon: IconName; label: string }> = {
  supported: { tone: "good", icon: "check", label: "Supported" },
  contradicted: { tone: "bad", icon: "cross", label: "Contradicted" },
  unverified: { tone: "warn", icon: "question", label: "Unverified" },
};

export function verdictBadge(verdict: Verdict): HTMLElement {
  const sign = VERDICT_SIGNS[verdict];
  return badge(sign.tone, sign.icon, sign.label);
}

/** The counts of an exchange's verdicts in one line; the words are for screen readers. */
export function verdictCounts(verdicts: Record<Verdict, number>): HTMLElement {
  const parts = (Object.keys(VERDICT_SIGNS) as Verdict[]).filter((name) => verdicts[name] > 0);
  if (parts.length === 0) return h("span", { class: "faint" }, "–");
  return h(
    "span",
    { class: "verdicts" },
    parts.map((name) => {
      const sign = VERDICT_SIGNS[name];
      return h(
        "span",
        { class: `verdict-count ${sign.tone}`, title: sign.label },
        icon(sign.icon),
        count(verdicts[name]),
        h("span", { class: "visually-hidden" }, ` ${sign.label.toLowerCase()}`),
      );
    }),
  );
}

const SOURCE_LABELS: Record<Source | "semantic", string> = {
  memory: "Memory",
  compressed: "Compressed",
  disk: "Disk",
  redis: "Redis",
  semantic: "Semantic",
  coalesced: "Coalesced",
  upstream: "Upstream",
};

export const sourceLabel = (source: string): string =>
  SOURCE_LABELS[source as Source] ?? (source || "None");

export function sourceBadge(source: string): HTMLElement {
  const hit = source !== "upstream" && source !== "";
  return badge(hit ? "accent" : "plain", null, sourceLabel(source));
}

export function statusBadge(status: number): HTMLElement {
  if (status > 0 && status < 400) return badge("good", "check", String(status));
  if (status === 0) return badge("warn", "cross", "Gone");
  return badge(status < 500 ? "warn" : "bad", "alert", String(status));
}

/** How much of a limit is used; the text says the same as the bar. */
export function meter(
  label: string,
  part: number,
  whole: number,
  text: string,
  fullIsFine = false,
): HTMLElement {
  const share = whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
  const tone = fullIsFine ? "plain" : share >= 0.9 ? "bad" : share >= 0.75 ? "warn" : "plain";
  const rest = fullIsFine ? `${Math.round(share * 100)}%` : label;
  return h(
    "div",
    { class: `meter ${tone}` },
    h("div", { class: "meter-text" }, h("span", {}, rest), h("span", { class: "num" }, text)),
    style(
      h("div", {
        class: "meter-bar",
        role: "meter",
        "aria-label": label,
        "aria-valuemin": "0",
        "aria-valuemax": "100",
        "aria-valuenow": String(Math.round(share * 100)),
        "aria-valuetext": text,
      }),
      { "--share": String(share) },
    ),
  );
}

/** A table that scrolls by itself where the window is too narrow. */
export function table(
  caption: string,
  columns: readonly (readonly [label: string, kind: string])[],
  rows: HTMLElement[],
): HTMLElement {
  return h(
    "div",
    { class: "table-scroll", role: "region", "aria-label": caption, tabindex: "0" },
    h(
      "table",
      {},
      h("caption", { class: "visually-hidden" }, caption),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          columns.map(([label, kind]) =>
            h(
              "th",
              { scope: "col", class: kind },
              label || h("span", { class: "visually-hidden" }, "Actions"),
            ),
          ),
        ),
      ),
      h("tbody", {}, rows),
    ),
  );
}

export const empty = (title: string, text: string): HTMLElement =>
  h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), h("p", {}, text));

export function failure(error: unknown, retry: () => void): HTMLElement {
  // 412: a part of Assay is switched off; the message says how to switch it on.
  if (error instanceof ApiError && error.status === 412)
    return empty("Switched off", error.message);
  const message = error instanceof Error ? error.message : String(error);
  return h(
    "div",
    { class: "card failure", role: "alert" },
    icon("alert"),
    h("p", {}, message),
    h("button", { type: "button", onclick: retry }, "Try again"),
  );
}

export interface ViewHandle {
  element: HTMLElement;
  /** Called when the view is left. */
  leave?: () => void;
}

/** Calls `task` now and every `everyMs` while the window is seen; `stop` ends it. */
export function poll(everyMs: number, task: () => Promise<void>): { stop: () => void } {
  let timer = 0;
  let stopped = false;
  const round = async (): Promise<void> => {
    if (stopped) return;
    if (!document.hidden) await task();
    if (!stopped) timer = window.setTimeout(() => void round(), everyMs);
  };
  void round();
  return {
    stop: () => {
      stopped = true;
      window.clearTimeout(timer);
    },
  };
}

/** A modal dialog with a heading; `close()` gives the focus back to where it was. */
export function dialog(title: string, ...content: (Node | string)[]): HTMLDialogElement {
  const element = h(
    "dialog",
    { "aria-labelledby": "dialog-title", onclose: () => element.remove() },
    h("h2", { id: "dialog-title" }, title),
    ...content,
  );
  document.body.append(element);
  element.showModal();
  return element;
}

let announcer: HTMLElement | undefined;

/** Says one sentence to screen readers and shows it for a while. */
export function announce(text: string): void {
  announcer ??= document.body.appendChild(h("div", { class: "toast", role: "status" }));
  const own = announcer;
  own.textContent = text;
  own.classList.add("shown");
  window.setTimeout(() => {
    if (own.textContent === text) {
      own.classList.remove("shown");
      own.textContent = "";
    }
  }, 5000);
}
