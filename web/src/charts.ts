// Line and stacked charts over time on uPlot, each with a legend that reads out values and a table of the same data.
import uPlot from "uplot";
import { h, icon, replace } from "./dom";
import { minuteOfDay, timeOfDay } from "./format";

export interface Series {
  label: string;
  /** A custom property of the sheet, as `--series-1`. */
  color: string;
  dash?: number[];
}

export interface ChartOptions {
  title: string;
  note: string;
  series: Series[];
  stacked?: boolean;
  log?: boolean;
  /** Largest value of the axis where it is known, as 1 for a ratio. */
  max?: number;
  format: (value: number) => string;
  /** Shorter form for the axis. */
  axis?: (value: number) => string;
}

type Values = (number | null)[];

const HEIGHT_PX = 196;
const TABLE_ROWS = 60;
const FEW_MINUTES_S = 600; // shorter axes name seconds
const live = new Set<Chart>();

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Draws every chart anew, in the colours of the theme and the font once it is there. */
export function recolor(): void {
  for (const chart of live) chart.rebuild();
}

function stack(columns: Values[]): Values[] {
  const sums: Values[] = [];
  let below: Values | undefined;
  for (const column of columns) {
    const base = below;
    below = column.map((value, i) => (value ?? 0) + (base?.[i] ?? 0));
    sums.push(below);
  }
  return sums;
}

export class Chart {
  readonly element: HTMLElement;
  private readonly options: ChartOptions;
  private readonly canvas = h("div", { class: "chart-canvas", role: "img" });
  private readonly legend = h("ul", { class: "legend" });
  private readonly table = h("div", {
    class: "chart-table",
    hidden: true,
    tabindex: "0",
    role: "region",
  });
  private readonly toggle: HTMLButtonElement;
  private readonly readouts: HTMLElement[] = [];
  private readonly observer: ResizeObserver;
  private plot: uPlot | undefined;
  private times: number[] = [];
  private columns: Values[] = [];

  constructor(options: ChartOptions) {
    this.options = options;
    this.toggle = h(
      "button",
      { class: "quiet small", type: "button", "aria-pressed": "false", onclick: () => this.flip() },
      icon("table"),
      h("span", {}, "Table"),
      h("span", { class: "visually-hidden" }, ` of ${options.title}`),
    );
    for (const series of options.series) {
      const value = h("span", { class: "num" }, "–");
      this.readouts.push(value);
      this.legend.append(
        h(
          "li",
          {},
          swatch(series, options.stacked === true),
          h("span", { class: "legend-label" }, series.label),
          value,
        ),
      );
    }
    this.table.setAttribute("aria-label", `${options.title}, table`);
    this.element = h(
      "figure",
      { class: "card chart" },
      h(
        "figcaption",
        { class: "card-head" },
        h("div", {}, h("h2", {}, options.title), h("p", { class: "note" }, options.note)),
        this.toggle,
      ),
      this.legend,
      this.canvas,
      this.table,
    );
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.canvas);
    live.add(this);
  }

  destroy(): void {
    live.delete(this);
    this.observer.disconnect();
    this.plot?.destroy();
    this.plot = undefined;
  }

  /** `times` in seconds, one column per series. */
  update(times: number[], columns: Values[]): void {
    this.times = times;
    this.columns = columns;
    if (times.length === 0) {
      this.plot?.destroy();
      this.plot = undefined;
      replace(this.canvas, h("p", { class: "note" }, "The first figures come within a minute."));
    } else if (this.plot) {
      this.plot.setData(this.data());
    } else {
      this.rebuild();
    }
    this.readout(null);
    const last = times.length - 1;
    const parts = this.options.series.map(
      (series, i) => `${series.label} ${this.text(columns[i]?.[last])}`,
    );
    this.canvas.setAttribute(
      "aria-label",
      `${this.options.title}. Latest: ${parts.join(", ")}. The button Table shows the figures.`,
    );
    if (!this.table.hidden) this.fillTable();
  }

  rebuild(): void {
    this.plot?.destroy();
    this.plot = undefined;
    const width = this.canvas.clientWidth;
    if (width === 0 || this.times.length === 0) return;
    this.canvas.replaceChildren();
    this.plot = new uPlot(this.config(width), this.data(), this.canvas);
  }

  private text(value: number | null | undefined): string {
    return value === null || value === undefined ? "–" : this.options.format(value);
  }

  private resize(): void {
    const width = this.canvas.clientWidth;
    if (width === 0) return;
    if (this.plot) this.plot.setSize({ width, height: HEIGHT_PX });
    else this.rebuild();
  }

  private data(): uPlot.AlignedData {
    const columns = this.options.stacked ? stack(this.columns) : this.columns;
    return [this.times, ...columns] as uPlot.AlignedData;
  }

  private readout(index: number | null): void {
    const at = index ?? this.times.length - 1;
    this.readouts.forEach((element, i) => {
      element.textContent = this.text(this.columns[i]?.[at]);
    });
  }

  private flip(): void {
    const show = this.table.hidden;
    this.table.hidden = !show;
    this.canvas.hidden = show;
    this.toggle.setAttribute("aria-pressed", String(show));
    if (show) this.fillTable();
    else this.resize();
  }

  private fillTable(): void {
    const step = Math.max(1, Math.ceil(this.times.length / TABLE_ROWS));
    const rows: HTMLElement[] = [];
    for (let i = this.times.length - 1; i >= 0; i -= step) {
      rows.push(
        h(
          "tr",
          {},
          h("th", { scope: "row" }, timeOfDay((this.times[i] ?? 0) * 1000)),
          this.columns.map((column) => h("td", { class: "num" }, this.text(column[i]))),
        ),
      );
    }
    replace(
      this.table,
      h(
        "table",
        {},
        h("caption", { class: "visually-hidden" }, `${this.options.title}. ${this.options.note}`),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, "Time"),
            this.options.series.map((s) => h("th", { scope: "col", class: "num" }, s.label)),
          ),
        ),
        h("tbody", {}, rows),
      ),
    );
  }

  private config(width: number): uPlot.Options {
    const { options } = this;
    const axis: uPlot.Axis = {
      stroke: token("--text-3"),
      font: `11px ${token("--font")}`,
      ticks: { show: false },
      border: { show: false },
      grid: { stroke: token("--grid"), width: 1 },
    };
    const bands: uPlot.Band[] = [];
    const series: uPlot.Series[] = options.series.map((one, i) => {
      const color = token(one.color);
      if (options.stacked && i > 0) bands.push({ series: [i + 1, i], fill: `${color}59` });
      return {
        label: one.label,
        stroke: color,
        width: options.stacked ? 1 : 1.75,
        points: options.log ? { show: true, size: 3, fill: color } : { show: false },
        spanGaps: false,
        ...(one.dash ? { dash: one.dash } : {}),
        ...(options.stacked && i === 0 ? { fill: `${color}59` } : {}),
      };
    });
    return {
      width,
      height: HEIGHT_PX,
      padding: [8, 6, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        points: { size: 6 },
        sync: { key: "traffic" },
      },
      scales: {
        y: options.log
          ? { distr: 3, log: 10, range: (_plot, min, max) => decades(min, max) }
          : {
              range: (_plot, _min, max) => [0, options.max ?? (max > 0 ? max * 1.12 : 1)],
            },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 26,
          space: 64,
          values: (_plot, ticks) => {
            const brief = (ticks.at(-1) ?? 0) - (ticks[0] ?? 0) < FEW_MINUTES_S;
            return ticks.map((tick) => (brief ? timeOfDay : minuteOfDay)(tick * 1000));
          },
        },
        {
          ...axis,
          size: 56,
          gap: 6,
          space: 34,
          ...(options.log ? { splits: (_plot, _axis, min, max) => powers(min, max) } : {}),
          values: (_plot, ticks) =>
            ticks.map((tick) => (tick === null ? "" : (options.axis ?? options.format)(tick))),
        },
      ],
      bands,
      series: [{}, ...series],
      hooks: { setCursor: [(plot) => this.readout(plot.cursor.idx ?? null)] },
    };
  }
}

/** The powers of ten around the values, two at least. */
function decades(min: number | null, max: number | null): [number, number] {
  const low = min !== null && min > 0 ? Math.floor(Math.log10(min)) : 1;
  const high = max !== null && max > 0 ? Math.ceil(Math.log10(max)) : 4;
  return [10 ** low, 10 ** Math.max(high, low + 1)];
}

function powers(min: number, max: number): number[] {
  const found: number[] = [];
  for (let power = Math.round(Math.log10(min)); power <= Math.round(Math.log10(max)); power += 1) {
    found.push(10 ** power);
  }
  return found;
}

function swatch(series: Series, filled: boolean): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "swatch");
  svg.setAttribute("viewBox", "0 0 16 8");
  svg.setAttribute("aria-hidden", "true");
  svg.style.setProperty("--swatch", `var(${series.color})`);
  const mark = document.createElementNS(space, filled ? "rect" : "path");
  if (filled) {
    mark.setAttribute("width", "16");
    mark.setAttribute("height", "8");
    mark.setAttribute("rx", "2");
  } else {
    mark.setAttribute("d", "M0 4h16");
    if (series.dash) mark.setAttribute("stroke-dasharray", series.dash.join(" "));
  }
  svg.append(mark);
  return svg;
}
