// Figures as people read them; the same width for the same kind, so columns line up.

const integer = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export const count = (value: number): string => integer.format(value);

export function compact(value: number): string {
  if (value < 10_000) return integer.format(value);
  const units = ["", "k", "M", "G", "T"];
  let power = 0;
  let rest = value;
  while (rest >= 999.5 && power < units.length - 1) {
    rest /= 1000;
    power += 1;
  }
  return `${rest >= 100 ? rest.toFixed(0) : rest.toFixed(1)}${units[power] ?? ""}`;
}

export function rate(value: number): string {
  if (value >= 10_000) return compact(value);
  if (value >= 100) return integer.format(value);
  return value === 0 ? "0" : value.toFixed(value >= 10 ? 1 : 2);
}

/** A round figure of an axis: no zeros after the point. */
export const short =
  (format: (value: number) => string) =>
  (value: number): string =>
    format(value)
      .replace(/(\.\d*?)0+(?=\D|$)/, "$1")
      .replace(/\.(?=\D|$)/, "");

/** Microseconds with a unit that keeps three figures. */
export function duration(us: number | null | undefined): string {
  if (us === null || us === undefined) return "–";
  if (us < 1000) return `${us > 0 && us < 10 ? us.toFixed(1) : us.toFixed(0)} µs`;
  if (us < 1_000_000) return `${three(us / 1000)} ms`;
  if (us < 120_000_000) return `${three(us / 1_000_000)} s`;
  return `${three(us / 60_000_000)} min`;
}

function three(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

export const percent = (part: number, whole: number): string =>
  whole > 0 ? `${((100 * part) / whole).toFixed(1)}%` : "–";

/** Nano-dollars as dollars: cents from one dollar on, four places below. */
export function money(nanousd: number): string {
  const usd = nanousd / 1e9;
  if (usd === 0) return "$0";
  if (usd >= 1000) return `$${integer.format(usd)}`;
  if (usd >= 1) return `$${usd.toFixed(2)}`;
  return usd < 0.0001 ? "<$0.0001" : `$${usd.toFixed(4)}`;
}

export function bytes(value: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let power = 0;
  let rest = value;
  while (rest >= 999.5 && power < units.length - 1) {
    rest /= 1000;
    power += 1;
  }
  return `${power === 0 ? rest.toFixed(0) : three(rest)} ${units[power] ?? ""}`;
}

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const minute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

export const timeOfDay = (ms: number): string => clock.format(ms);
export const minuteOfDay = (ms: number): string => minute.format(ms);
export const date = (ms: number): string => day.format(ms);
export const dateTime = (ms: number): string => `${day.format(ms)}, ${clock.format(ms)}`;

export function ago(ms: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}

export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`;
