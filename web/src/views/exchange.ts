// One exchange: what was asked, the trace, the claims with their evidence.
import * as api from "../api";
import { h, icon, replace, style } from "../dom";
import { count, dateTime, duration, money, plural } from "../format";
import { empty, failure, sourceBadge, statusBadge, type ViewHandle, verdictBadge } from "../parts";
import type { Claim, Evidence, Exchange, TraceSpan } from "../types";

const STAGES: Record<string, string> = {
  authenticate: "Authenticate",
  normalize: "Read and normalise",
  exact_lookup: "Look below memory",
  semantic_lookup: "Look for the same question",
  ask_experts: "Ask upstream",
  merge: "Merge answers",
  check_claims: "Check claims",
  store: "Store",
  reply: "Reply",
};

interface Message {
  role?: unknown;
  content?: unknown;
}

const plain = (content: unknown): string =>
  typeof content === "string" ? content : JSON.stringify(content, null, 2);

/** The words of a chat request or answer; anything else as it is. */
function readable(json: string): string {
  try {
    const body = JSON.parse(json) as {
      messages?: Message[];
      choices?: { message?: Message; text?: unknown }[];
    };
    const messages =
      body.messages ?? body.choices?.map((one) => one.message ?? { content: one.text });
    if (!messages || messages.length === 0) return json;
    if (messages.length === 1 && messages[0]) return plain(messages[0].content);
    return messages.map((one) => `${plain(one.role)}: ${plain(one.content)}`).join("\n\n");
  } catch {
    return json;
  }
}

function fact(label: string, value: Node | string): HTMLElement {
  return h("div", {}, h("dt", {}, label), h("dd", {}, value));
}

function facts(item: Exchange): HTMLElement {
  return h(
    "dl",
    { class: "facts card" },
    fact("Answered by", sourceBadge(item.source)),
    fact("Status", statusBadge(item.status)),
    fact("Latency", duration(item.duration_us)),
    fact("Tokens", `${count(item.prompt_tokens)} in, ${count(item.completion_tokens)} out`),
    fact("Cost", money(item.cost_nanousd)),
    fact("Saved", money(item.saved_nanousd)),
    fact("Route", item.route || "–"),
    fact("Model", item.model || "–"),
    fact("Upstream", item.upstream || "–"),
    fact("Tenant", item.tenant || "–"),
    fact("Key", item.key || "–"),
    fact("Streamed", item.streamed ? "Yes" : "No"),
  );
}

/** Spans as bars over the time of the whole exchange, in a table that reads without the bars. */
function waterfall(spans: TraceSpan[], totalUs: number): HTMLElement {
  const whole = Math.max(totalUs, ...spans.map((s) => s.start_us + s.duration_us), 1);
  return h(
    "table",
    { class: "waterfall" },
    h("caption", { class: "visually-hidden" }, "Spans of the trace in the order they began"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, "Stage"),
        h("th", { scope: "col", class: "medium" }, "Began"),
        h(
          "th",
          { scope: "col", class: "lane-head" },
          h("span", {}, "0"),
          h("span", {}, duration(whole)),
        ),
        h("th", { scope: "col", class: "num" }, "Took"),
      ),
    ),
    h(
      "tbody",
      {},
      spans.map((span) =>
        h(
          "tr",
          {},
          h(
            "th",
            { scope: "row" },
            STAGES[span.name] ?? span.name,
            span.note ? h("span", { class: "span-note" }, span.note) : null,
          ),
          h("td", { class: "num medium faint" }, duration(span.start_us)),
          h(
            "td",
            { class: "lane" },
            style(h("span", { class: "bar" }), {
              "--from": String(span.start_us / whole),
              "--share": String(span.duration_us / whole),
            }),
          ),
          h("td", { class: "num" }, duration(span.duration_us)),
        ),
      ),
    ),
  );
}

function evidence(item: Evidence): HTMLElement {
  return h(
    "li",
    {},
    h(
      "p",
      { class: "source" },
      h("code", {}, typeof item.line === "number" ? `${item.file}:${item.line}` : item.file),
      typeof item.score === "number"
        ? h("span", { class: "num faint" }, `score ${item.score.toFixed(2)}`)
        : null,
    ),
    h("blockquote", {}, item.text),
  );
}

function claim(item: Claim): HTMLElement {
  return h(
    "li",
    { class: `claim ${item.verdict}` },
    h(
      "div",
      { class: "claim-head" },
      verdictBadge(item.verdict),
      h("span", { class: "num faint" }, `${Math.round(item.confidence * 100)}% sure`),
    ),
    h("p", { class: "claim-text" }, item.text),
    item.reason ? h("p", { class: "claim-reason" }, item.reason) : null,
    item.evidence.length > 0
      ? h(
          "details",
          { open: item.verdict === "contradicted" },
          h("summary", {}, plural(item.evidence.length, "passage"), " as evidence"),
          h("ul", { class: "evidence" }, item.evidence.map(evidence)),
        )
      : null,
  );
}

function text(title: string, content: string): HTMLElement {
  return h(
    "section",
    { class: "card" },
    h("h2", { class: "card-title" }, title),
    h("pre", { class: "prose", tabindex: "0", "aria-label": title, role: "region" }, content),
  );
}

function details(item: Exchange): HTMLElement[] {
  const spans = [...item.spans].sort((a, b) => a.start_us - b.start_us);
  return [
    item.error
      ? h("div", { class: "card failure" }, icon("alert"), h("p", {}, item.error))
      : h("div", { hidden: true }),
    facts(item),
    h(
      "section",
      { class: "card" },
      h(
        "div",
        { class: "card-head" },
        h("div", {}, h("h2", {}, "Trace"), h("p", { class: "note" }, h("code", {}, item.trace_id))),
      ),
      spans.length > 0
        ? waterfall(spans, item.duration_us)
        : h("p", { class: "note" }, "Answered from memory at once; such answers carry no trace."),
    ),
    h(
      "section",
      { class: "card" },
      h(
        "div",
        { class: "card-head" },
        h(
          "div",
          {},
          h("h2", {}, "Claims"),
          h("p", { class: "note" }, "What the documents of the route say about the answer"),
        ),
      ),
      item.claims.length > 0
        ? h("ol", { class: "claims" }, item.claims.map(claim))
        : h("p", { class: "note" }, "No claim of this answer was checked."),
    ),
    ...(item.question === null && item.answer === null
      ? [
          h(
            "p",
            { class: "note" },
            "Texts of questions and answers are not logged. The configuration can ask for them.",
          ),
        ]
      : []),
    ...(item.question === null ? [] : [text("Question", readable(item.question))]),
    ...(item.answer === null ? [] : [text("Answer", readable(item.answer))]),
  ];
}

export function exchangeDetail(id: string): ViewHandle {
  const body = h("div", { class: "stack" });
  const title = h("p", { class: "note" });
  const load = async (): Promise<void> => {
    try {
      const item = await api.exchange(id);
      title.textContent = dateTime(item.started_ms);
      replace(body, details(item));
    } catch (error) {
      if (error instanceof api.ApiError && error.status === 404) {
        replace(body, empty("This exchange is gone", "The log keeps the newest ones only."));
      } else {
        replace(
          body,
          failure(error, () => void load()),
        );
      }
    }
  };
  void load();
  return {
    element: h(
      "div",
      {},
      h(
        "a",
        {
          class: "back",
          href: "#/exchanges",
          onclick: (event: Event) => {
            if (history.length > 1) {
              event.preventDefault();
              history.back();
            }
          },
        },
        icon("back"),
        "All exchanges",
      ),
      h(
        "div",
        { class: "view-head" },
        h("h1", { tabindex: "-1" }, "Exchange ", h("code", {}, id)),
        h("div", { class: "view-tools" }, title),
      ),
      body,
    ),
  };
}
