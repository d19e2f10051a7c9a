// Light, dark, or what the system says; kept in this browser.
import { h, type IconName, icon } from "./dom";

export type Theme = "system" | "light" | "dark";
const KEY = "assay.theme";
const CHOICES: readonly [Theme, string, IconName][] = [
  ["system", "System", "system"],
  ["light", "Light", "sun"],
  ["dark", "Dark", "moon"],
];

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system"; // storage may be switched off
  }
}

const system = matchMedia("(prefers-color-scheme: dark)");

function apply(theme: Theme): void {
  const dark = theme === "dark" || (theme === "system" && system.matches);
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
}

export function start(onChange: () => void): void {
  apply(stored());
  system.addEventListener("change", () => {
    apply(stored());
    onChange();
  });
}

/** A group of three radio buttons. */
export function themeSwitch(onChange: () => void): HTMLElement {
  const current = stored();
  return h(
    "fieldset",
    { class: "segmented theme" },
    h("legend", { class: "visually-hidden" }, "Colour theme"),
    CHOICES.map(([value, label, name]) =>
      h(
        "label",
        { title: label },
        h("input", {
          type: "radio",
          name: "theme",
          value,
          checked: value === current,
          onchange: () => {
            try {
              localStorage.setItem(KEY, value);
            } catch {
              // The choice then holds until the page is left.
            }
            apply(value);
            onChange();
          },
        }),
        h("span", {}, icon(name), h("span", { class: "visually-hidden" }, label)),
      ),
    ),
  );
}
