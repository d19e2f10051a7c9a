// The door: the admin password, or how to set one.
import * as api from "../api";
import { h } from "../dom";
import type { ViewHandle } from "../parts";

const mark = (): HTMLElement =>
  h("img", { src: "/dashboard/icon.svg", alt: "", width: "40", height: "40", class: "mark" });

export function login(onDone: () => void): ViewHandle {
  const problem = h("p", { class: "field-error", role: "alert", id: "login-error" });
  const password = h("input", {
    name: "password",
    type: "password",
    required: true,
    autocomplete: "current-password",
    "aria-describedby": "login-error",
  });
  const submit = h("button", { type: "submit", class: "primary" }, "Sign in");
  const form = h(
    "form",
    { method: "post" },
    // For password managers, which want a name beside a password.
    h("input", {
      type: "text",
      name: "username",
      value: "admin",
      autocomplete: "username",
      hidden: true,
      readonly: true,
    }),
    h("label", { class: "field" }, h("span", {}, "Admin password"), password),
    problem,
    submit,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.textContent = "";
    try {
      await api.login(password.value);
      password.value = "";
      onDone();
    } catch (error) {
      const wait = error instanceof api.ApiError ? error.retryAfterSeconds : undefined;
      const message = error instanceof Error ? error.message : String(error);
      problem.textContent = wait ? `${message} Try again in ${wait} s.` : message;
      password.select();
      password.focus();
    }
    submit.disabled = false;
  });
  return {
    element: h(
      "div",
      { class: "door card" },
      mark(),
      h("h1", { tabindex: "-1" }, "Sign in to Assay"),
      form,
    ),
  };
}

const command = (text: string): HTMLElement =>
  h("pre", { class: "command", tabindex: "0", "aria-label": "Command", role: "region" }, text);

/** `hasFolder`: Assay has a folder where `assay dashboard password` keeps the password. */
export function setup(hasFolder: boolean): ViewHandle {
  return {
    element: h(
      "div",
      { class: "door card" },
      mark(),
      h("h1", { tabindex: "-1" }, "Set a password first"),
      h("p", {}, "The dashboard opens with an admin password, and none is set."),
      hasFolder
        ? h("p", {}, "On the machine where Assay runs:")
        : h("p", {}, "Give Assay a folder to keep it in, set the password there, and start again:"),
      command(
        hasFolder
          ? "assay dashboard password"
          : "export ASSAY_DATA_FOLDER=~/.assay\nassay dashboard password",
      ),
      h(
        "p",
        { class: "note" },
        hasFolder
          ? "Assay finds it at the next sign-in; a restart is not needed."
          : "Or write data_folder into assay.yaml.",
      ),
      h(
        "button",
        { type: "button", class: "primary", onclick: () => location.reload() },
        "I have set it",
      ),
    ),
  };
}
