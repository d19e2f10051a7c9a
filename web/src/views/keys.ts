// API keys: what they may do, what they have used, new ones, revoked ones.
import * as api from "../api";
import { h, icon, replace } from "../dom";
import { compact, date, dateTime, money } from "../format";
import { announce, badge, dialog, empty, failure, meter, table, type ViewHandle } from "../parts";
import type { ApiKey, Budget, NewKey } from "../types";

const DAY_MS = 86_400_000;

const COLUMNS = [
  ["Name", ""],
  ["Tenant", "medium"],
  ["Scopes", "medium"],
  ["Used", "meter-cell"],
  ["Expires", "wide"],
  ["State", ""],
] as const;

const PERIODS: readonly (readonly [value: string, label: string])[] = [
  ["total", "for its whole life"],
  ["hour", "each hour"],
  ["day", "each day"],
  ["month", "each month"],
];

const SCOPE_NOTES: Record<string, string> = {
  inference: "ask models",
  claims: "check claims",
  cache: "see and empty the cache",
  admin: "manage keys",
};

function state(key: ApiKey, nowMs: number): HTMLElement {
  if (key.revoked) return badge("plain", "cross", "Revoked");
  if (key.expires_ms !== null && key.expires_ms <= nowMs) return badge("warn", "alert", "Expired");
  return badge("good", "check", "Active");
}

function budget(label: string, value: Budget, text: (n: number) => string): HTMLElement {
  if (value.limit === null) {
    return h(
      "div",
      { class: "meter" },
      h(
        "div",
        { class: "meter-text" },
        h("span", {}, label),
        h("span", { class: "num" }, text(value.used)),
      ),
    );
  }
  return meter(label, value.used, value.limit, `${text(value.used)} of ${text(value.limit)}`);
}

function row(key: ApiKey, nowMs: number, reload: () => void): HTMLElement {
  return h(
    "tr",
    { class: key.revoked ? "off" : null },
    h("th", { scope: "row" }, key.name, h("code", { class: "key-id" }, key.id)),
    h("td", { class: "medium" }, key.tenant || "–"),
    h("td", { class: "medium" }, key.scopes.join(", ")),
    h(
      "td",
      { class: "meter-cell" },
      key.period === "total"
        ? null
        : h("p", { class: "note" }, PERIODS.find(([value]) => value === key.period)?.[1] ?? ""),
      budget("Requests", key.requests, compact),
      budget("Tokens", key.tokens, compact),
      budget("Cost", key.cost_nanousd, money),
    ),
    h("td", { class: "wide num-left" }, key.expires_ms === null ? "Never" : date(key.expires_ms)),
    h(
      "td",
      {},
      h(
        "div",
        { class: "state-cell" },
        state(key, nowMs),
        key.revoked
          ? null
          : h(
              "button",
              { type: "button", class: "small", onclick: () => confirmRevoke(key, reload) },
              "Revoke",
              h("span", { class: "visually-hidden" }, ` ${key.name}`),
            ),
      ),
    ),
  );
}

function confirmRevoke(key: ApiKey, done: () => void): void {
  const problem = h("p", { class: "field-error", role: "alert" });
  const go = h(
    "button",
    {
      type: "button",
      class: "danger",
      onclick: async () => {
        go.disabled = true;
        try {
          await api.revokeKey(key.id);
          box.close();
          announce(`${key.name} is revoked.`);
          done();
        } catch (error) {
          go.disabled = false;
          problem.textContent = error instanceof Error ? error.message : String(error);
        }
      },
    },
    "Revoke",
  );
  const box = dialog(
    `Revoke ${key.name}?`,
    h("p", {}, "Requests with this key are refused from now on. It cannot be undone."),
    problem,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", autofocus: true, onclick: () => box.close() }, "Keep it"),
      go,
    ),
  );
}

function showToken(token: string): void {
  const field = h("input", {
    readonly: true,
    value: token,
    id: "token",
    class: "token",
    spellcheck: "false",
  });
  const box = dialog(
    "Copy the key now",
    h("p", {}, "It is shown this once. Assay keeps only a keyed hash of it."),
    h("label", { class: "field", for: "token" }, h("span", {}, "Key"), field),
    h(
      "div",
      { class: "actions" },
      h(
        "button",
        {
          type: "button",
          onclick: async () => {
            field.select();
            try {
              await navigator.clipboard.writeText(token);
              copied.textContent = "Copied.";
            } catch {
              copied.textContent = "Selected; copy it with the keyboard.";
            }
          },
        },
        icon("copy"),
        "Copy",
      ),
      h("button", { type: "button", class: "primary", onclick: () => box.close() }, "Done"),
    ),
    h("p", { class: "note", role: "status" }),
  );
  const copied = box.lastElementChild as HTMLElement;
}

const optional = (value: FormDataEntryValue | null, factor = 1): number | null => {
  const number = Number(value);
  return value === null || value === "" || !Number.isFinite(number)
    ? null
    : Math.round(number * factor);
};

function readForm(form: HTMLFormElement): NewKey {
  const data = new FormData(form);
  const days = optional(data.get("days"));
  return {
    name: String(data.get("name") ?? "").trim(),
    tenant: String(data.get("tenant") ?? "").trim(),
    scopes: data.getAll("scopes").map(String),
    period: String(data.get("period") ?? "total"),
    expires_ms: days === null ? null : Date.now() + days * DAY_MS,
    requests: optional(data.get("requests")),
    tokens: optional(data.get("tokens")),
    cost_nanousd: optional(data.get("cost"), 1e9),
  };
}

function createForm(scopes: string[], done: () => void): void {
  const number = (name: string, label: string, step = "1"): HTMLElement =>
    h(
      "label",
      { class: "field" },
      h("span", {}, label),
      h("input", {
        name,
        type: "number",
        min: step,
        step,
        placeholder: "no limit",
        inputmode: "decimal",
      }),
    );
  const problem = h("p", { class: "field-error", role: "alert" });
  const submit = h("button", { type: "submit", class: "primary" }, "Create key");
  const form = h(
    "form",
    { method: "post", class: "key-form" },
    h(
      "label",
      { class: "field" },
      h("span", {}, "Name"),
      h("input", {
        name: "name",
        required: true,
        maxlength: "64",
        autocomplete: "off",
        autofocus: true,
      }),
    ),
    h(
      "label",
      { class: "field" },
      h("span", {}, "Tenant"),
      h("input", { name: "tenant", maxlength: "64", autocomplete: "off", placeholder: "default" }),
    ),
    h(
      "fieldset",
      { class: "checks" },
      h("legend", {}, "May"),
      scopes.map((scope) =>
        h(
          "label",
          {},
          h("input", {
            type: "checkbox",
            name: "scopes",
            value: scope,
            checked: scope === "inference",
          }),
          h("span", {}, scope, h("span", { class: "faint" }, ` ${SCOPE_NOTES[scope] ?? ""}`)),
        ),
      ),
    ),
    h(
      "div",
      { class: "pair" },
      number("days", "Valid for days"),
      h(
        "label",
        { class: "field" },
        h("span", {}, "Budget"),
        h(
          "select",
          { name: "period" },
          PERIODS.map(([value, label]) => h("option", { value }, label)),
        ),
      ),
      number("requests", "Requests"),
      number("tokens", "Tokens"),
      number("cost", "Cost in dollars", "0.01"),
    ),
    problem,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", onclick: () => box.close() }, "Cancel"),
      submit,
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const key = readForm(form);
    if (key.scopes.length === 0) {
      problem.textContent = "Choose at least one thing that the key may do.";
      return;
    }
    submit.disabled = true;
    try {
      const { token } = await api.createKey(key);
      box.close();
      done();
      showToken(token);
    } catch (error) {
      submit.disabled = false;
      problem.textContent = error instanceof Error ? error.message : String(error);
    }
  });
  const box = dialog("New API key", form);
}

export function keyList(): ViewHandle {
  const body = h("div");
  let scopes = Object.keys(SCOPE_NOTES);
  const load = async (): Promise<void> => {
    try {
      const answer = await api.keys();
      scopes = answer.scopes;
      const now = Date.now();
      const reload = (): void => void load();
      const keys = [...answer.keys].sort(
        (a, b) => Number(a.revoked) - Number(b.revoked) || b.created_ms - a.created_ms,
      );
      replace(
        body,
        keys.length > 0
          ? table(
              "API keys",
              COLUMNS,
              keys.map((key) => row(key, now, reload)),
            )
          : empty("No API key yet", "Create one for each application that asks through Assay."),
        keys.length > 0
          ? h(
              "p",
              { class: "note" },
              `Newest key created ${dateTime(Math.max(...keys.map((k) => k.created_ms)))}.`,
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
  void load();
  return {
    element: h(
      "div",
      {},
      h(
        "div",
        { class: "view-head" },
        h("h1", { tabindex: "-1" }, "API keys"),
        h(
          "div",
          { class: "view-tools" },
          h(
            "button",
            {
              type: "button",
              class: "primary",
              onclick: () => createForm(scopes, () => void load()),
            },
            icon("plus"),
            "New key",
          ),
        ),
      ),
      body,
    ),
  };
}
