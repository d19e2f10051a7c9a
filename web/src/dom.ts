// Elements without a framework: every text goes in as a text node, so no answer of a model can become markup.

type Child = Node | string | number | null | undefined | false | Child[];
type Props = Record<string, unknown>;

function append(parent: Node, child: Child): void {
  if (Array.isArray(child)) {
    for (const one of child) append(parent, one);
  } else if (child instanceof Node) {
    parent.appendChild(child);
  } else if (child !== null && child !== undefined && child !== false) {
    parent.appendChild(document.createTextNode(String(child)));
  }
}

/** `on...` properties become listeners, `true` an empty attribute; null, undefined and false are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on") && typeof value === "function") {
      element.addEventListener(name.slice(2), value as EventListener);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  append(element, children);
  return element;
}

export function replace(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  append(parent, children);
}

const SVG = "http://www.w3.org/2000/svg";

// 16 x 16 outlines.
const ICONS = {
  overview: "M2 13.5h12M4 11V7.5M8 11V3M12 11V5.5",
  exchanges: "M2.5 5h9m-2.5-2.5L11.5 5 9 7.5M13.5 11h-9M7 8.5 4.5 11 7 13.5",
  upstreams: "M3 2.5h10v4H3zM3 9.5h10v4H3zM5.5 4.5h.01M5.5 11.5h.01",
  cache:
    "M2.5 4c0-1.1 2.5-2 5.5-2s5.5.9 5.5 2-2.5 2-5.5 2-5.5-.9-5.5-2Zm0 0v8c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2V4M2.5 8c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2",
  keys: "M10.5 2.5a3 3 0 1 1-2.6 4.5L3 12v1.5h2V12h1.500v-1.500L8.300 8.700M11 5h.01",
  check: "m3 8.500 3.200 3.200L13 4.800",
  cross: "m4 4 8 8M12 4l-8 8",
  question: "M5.800 6a2.200 2.200 0 1 1 3.300 1.900c-.7.4-1.100.8-1.100 1.600m0 2.500v.01",
  alert: "M8 2 1.800 13.200h12.400ZM8 6.500V9.500m0 1.900v.01",
  pause: "M5.500 3.500v9m5-9v9",
  play: "M5 3.300v9.400L12.500 8Z",
  copy: "M5.500 5.500v-3h8v8h-3M2.500 5.500h8v8h-8z",
  plus: "M8 3v10M3 8h10",
  back: "M9.500 3.500 5 8l4.500 4.500",
  logout: "M6.500 2.500h-4v11h4M10 5l3 3-3 3m3-3H6",
  sun: "M8 5.300a2.700 2.700 0 1 1 0 5.400 2.700 2.700 0 0 1 0-5.400ZM8 1.500v1m0 11v1M1.500 8h1m11 0h1M3.400 3.400l.7.7m7.800 7.800.7.7m0-9.200-.7.7m-7.800 7.800-.7.7",
  moon: "M13 9.600A5.500 5.500 0 0 1 6.400 3 5.500 5.500 0 1 0 13 9.600Z",
  system: "M2 3h12v8H2zM6 13.500h4",
  table: "M2.500 3h11v10h-11zM2.500 6.300h11M2.500 9.600h11M6.500 3v10",
  chart: "M2.500 2.500v11h11M5 10l2.500-3 2 2L13 5",
  half: "M8 2.500a5.500 5.500 0 1 1 0 11 5.500 5.500 0 0 1 0-11Zm0 0v11",
} as const;

export type IconName = keyof typeof ICONS;

/** A decoration: the words beside it say the same. */
export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.appendChild(path);
  return svg;
}

/** Sets a custom property by the object model, which the content security policy allows. */
export function style<T extends HTMLElement>(element: T, values: Record<string, string>): T {
  for (const [name, value] of Object.entries(values)) element.style.setProperty(name, value);
  return element;
}
