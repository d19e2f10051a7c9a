// The shell: navigation, the door, the view that the address names.
import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/parts.css";
import "./styles/views.css";
import * as api from "./api";
import { recolor } from "./charts";
import { h, type IconName, icon, replace } from "./dom";
import { failure, type ViewHandle } from "./parts";
import * as theme from "./theme";
import { cacheView } from "./views/cache";
import { exchangeDetail } from "./views/exchange";
import { exchangeList } from "./views/exchanges";
import { experimentDetail, experimentList } from "./views/experiments";
import { keyList } from "./views/keys";
import { login, setup } from "./views/login";
import { overview } from "./views/overview";
import { upstreamHealth } from "./views/upstreams";

const PLACES: readonly [path: string, label: string, icon: IconName][] = [
  ["overview", "Traffic", "overview"],
  ["exchanges", "Exchanges", "exchanges"],
  ["upstreams", "Upstreams", "upstreams"],
  ["cache", "Cache", "cache"],
  ["experiments", "Experiments", "chart"],
  ["keys", "Keys", "keys"],
];

const root = document.getElementById("app") as HTMLElement;
let current: ViewHandle | undefined;
let main: HTMLElement | undefined;
let links = new Map<string, HTMLElement>();

function place(): { path: string; rest: string; query: URLSearchParams } {
  const [address = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [path = "", rest = ""] = address.split("/", 2);
  return {
    path: path || "overview",
    rest: decodeURIComponent(rest),
    query: new URLSearchParams(query),
  };
}

function viewOf(path: string, rest: string, query: URLSearchParams): ViewHandle {
  switch (path) {
    case "exchanges":
      return rest ? exchangeDetail(rest) : exchangeList(query);
    case "upstreams":
      return upstreamHealth();
    case "cache":
      return cacheView();
    case "experiments":
      return rest ? experimentDetail(rest) : experimentList();
    case "keys":
      return keyList();
    default:
      return overview();
  }
}

function enter(view: ViewHandle, focus: boolean): void {
  current?.leave?.();
  current = view;
  if (!main) return;
  replace(main, view.element);
  const title = view.element.querySelector("h1");
  document.title = title?.textContent ? `${title.textContent} · Assay` : "Assay";
  window.scrollTo(0, 0);
  if (focus) title?.focus({ preventScroll: true });
}

function route(focus: boolean): void {
  const { path, rest, query } = place();
  for (const [name, link] of links) {
    if (name === path) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  enter(viewOf(path, rest, query), focus);
}

function brand(): HTMLElement {
  return h(
    "a",
    { class: "brand", href: "#/overview" },
    h("img", { src: "/dashboard/icon.svg", alt: "", width: "24", height: "24" }),
    h("span", {}, "Assay"),
  );
}

function shell(version: string): void {
  main = h("main", { id: "main", tabindex: "-1" });
  links = new Map(
    PLACES.map(([path, label, name]) => [
      path,
      h("a", { href: `#/${path}` }, icon(name), h("span", {}, label)),
    ]),
  );
  replace(
    root,
    h("a", { class: "skip", href: "#main", onclick: skip }, "Skip to the content"),
    h(
      "header",
      { class: "side" },
      brand(),
      h(
        "nav",
        { "aria-label": "Views" },
        h(
          "ul",
          {},
          [...links.values()].map((a) => h("li", {}, a)),
        ),
      ),
      h(
        "div",
        { class: "side-foot" },
        theme.themeSwitch(recolor),
        h(
          "button",
          { type: "button", class: "quiet", onclick: leave },
          icon("logout"),
          h("span", {}, "Sign out"),
        ),
        h("p", { class: "version" }, `Assay ${version}`),
      ),
    ),
    main,
  );
  route(false);
}

function skip(event: Event): void {
  event.preventDefault();
  main?.focus();
}

async function leave(): Promise<void> {
  try {
    await api.logout();
  } finally {
    await start();
  }
}

function door(view: ViewHandle): void {
  links = new Map();
  main = h("main", { class: "outside" });
  replace(root, main, h("footer", { class: "outside-foot" }, theme.themeSwitch(recolor)));
  enter(view, false);
  view.element.querySelector<HTMLElement>("input:not([hidden]), button")?.focus();
}

async function start(): Promise<void> {
  try {
    const state = await api.session();
    if (state.authenticated) shell(state.version);
    else door(state.password_set ? login(() => void start()) : setup(state.data_folder));
  } catch (error) {
    door({
      element: h(
        "div",
        { class: "door" },
        h("h1", { class: "visually-hidden" }, "Assay"),
        failure(error, () => void start()),
      ),
    });
  }
}

theme.start(recolor);
// Text on a canvas does not change by itself when the font arrives.
void document.fonts.load('11px "Inter"').then(recolor, () => {});
api.whenExpired(() => {
  if (links.size > 0) void start();
});
window.addEventListener("hashchange", () => {
  if (links.size > 0) route(true);
});
void start();
