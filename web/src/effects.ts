// Effects of experiments as small drawings: an interval beside zero, and how it came about. What they show stands
// in words beside them.
import type { Comparison, EffectPoint } from "./types";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 160;
const HEIGHT = 24;
const PLOT_WIDTH = 320;
const PLOT_HEIGHT = 140;
const MARGIN = 6;

function shape(name: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

function drawing(width: number, height: number, label: string, kind: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("class", `effect ${kind}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  return svg;
}

const tone = (one: Comparison): string => (one.better ? "better" : one.worse ? "worse" : "open");

/** A scale from values to pixels that shows zero and all of `values`. */
function scale(values: number[], from: number, to: number): (value: number) => number {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

export function intervalPlot(one: Comparison, same: Comparison[]): SVGSVGElement {
  const svg = drawing(
    WIDTH,
    HEIGHT,
    `${one.variant}, ${one.metric}: effect ${one.effect ?? "unknown"}, from ${one.low ?? "?"} to ${one.high ?? "?"}`,
    tone(one),
  );
  const known = same.flatMap((item) => [item.low, item.high]).filter((value) => value !== null);
  if (one.low === null || one.high === null || one.effect === null || known.length === 0)
    return svg;
  const x = scale(known, MARGIN, WIDTH - MARGIN);
  const middle = HEIGHT / 2;
  svg.append(
    shape("line", { class: "zero", x1: x(0), x2: x(0), y1: 2, y2: HEIGHT - 2 }),
    shape("line", { class: "range", x1: x(one.low), x2: x(one.high), y1: middle, y2: middle }),
    shape("circle", { class: "point", cx: x(one.effect), cy: middle, r: 3.5 }),
  );
  return svg;
}

export function historyPlot(one: Comparison, points: EffectPoint[]): SVGSVGElement {
  const last = points.at(-1);
  const svg = drawing(
    PLOT_WIDTH,
    PLOT_HEIGHT,
    `${one.variant}, ${one.metric}: after ${last?.outcomes ?? 0} outcomes ${last?.effect ?? 0}, from ${last?.low ?? 0} to ${last?.high ?? 0}`,
    `history ${tone(one)}`,
  );
  // The first intervals are so wide that nothing else would be seen beside them.
  const shown = points.slice(Math.floor(points.length / 4));
  const first = Math.log(shown[0]?.outcomes || 1);
  const width = Math.log(last?.outcomes || 1) - first || 1;
  const x = (point: EffectPoint): number =>
    MARGIN + ((Math.log(point.outcomes || 1) - first) / width) * (PLOT_WIDTH - 2 * MARGIN);
  const y = scale(
    shown.flatMap((point) => [point.low, point.high]),
    PLOT_HEIGHT - MARGIN,
    MARGIN,
  );
  const line = (value: (point: EffectPoint) => number): string =>
    shown.map((point) => `${x(point).toFixed(1)},${y(value(point)).toFixed(1)}`).join(" ");
  const back = [...shown].reverse();
  const lower = back.map((point) => `${x(point).toFixed(1)},${y(point.low).toFixed(1)}`).join(" ");
  svg.append(
    shape("polygon", { class: "band", points: `${line((point) => point.high)} ${lower}` }),
    shape("line", { class: "zero", x1: MARGIN, x2: PLOT_WIDTH - MARGIN, y1: y(0), y2: y(0) }),
    shape("polyline", { class: "line", points: line((point) => point.effect) }),
  );
  return svg;
}
