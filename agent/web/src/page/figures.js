// Figures as people read them, in the language and the time of whoever looks.
import { language, t } from "/page/texts.js";

let currency = "WATT";

export function setCurrency(name) {
  currency = name;
}

export const currencyName = () => currency;

const formats = new Map();
function format(kind, options) {
  const key = language() + kind + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl[kind](language() === "de" ? "de-DE" : "en-GB", options));
  return formats.get(key);
}

/** Currencies that the browser knows are written as people write them. */
function isKnown(name) {
  return /^[A-Z]{3}$/.test(name) && Intl.supportedValuesOf?.("currency").includes(name);
}

/** Micro-units as money. */
export function money(micro, digits = 2) {
  const exact = Number(micro) / 1e6;
  const most = exact !== 0 && Math.abs(exact) < 0.01 ? Math.max(4, digits) : digits;
  // Less than the last digit shown is nothing, and nothing has no sign.
  const amount = Math.abs(exact) < 0.5 / 10 ** most ? 0 : exact;
  const shown = { minimumFractionDigits: digits, maximumFractionDigits: most };
  if (isKnown(currency)) return format("NumberFormat", { style: "currency", currency, ...shown }).format(amount);
  return `${format("NumberFormat", shown).format(amount)} ${currency}`;
}

/** A loss so small comes of sales whose energy is rounded up to whole Wh, micro-units. */
export const isRounding = (saved) => saved < 0 && saved > -10_000;

/** Micro-units per kWh as a price. */
export function price(micro) {
  return `${money(micro, Math.abs(micro) % 10_000 === 0 ? 2 : 3)}/kWh`;
}

export function number(value, digits = 0) {
  return format("NumberFormat", { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** A number with the decimals that it has, three at most. */
export const plain = (value) => format("NumberFormat", { maximumFractionDigits: 3 }).format(value);

/** Wh as kWh. */
export function energy(wh) {
  const digits = wh >= 100_000 ? 0 : wh >= 10_000 ? 1 : wh >= 1_000 ? 2 : 3;
  return `${number(wh / 1000, digits)} kWh`;
}

export const percent = (share) => format("NumberFormat", { style: "percent", maximumFractionDigits: 0 }).format(share);

const date = (seconds, options) => format("DateTimeFormat", options).format(new Date(seconds * 1000));
/** With seconds: for windows of a test, which are shorter than a minute. */
export const clockOf = (seconds, length) => date(seconds, { hour: "2-digit", minute: "2-digit", second: length < 60 ? "2-digit" : undefined });
export const clock = (seconds) => date(seconds, { hour: "2-digit", minute: "2-digit" });
export const day = (seconds) => date(seconds, { weekday: "short", day: "numeric", month: "short" });
export const moment = (seconds) => date(seconds, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
export const month = (seconds) => date(seconds, { month: "long", year: "numeric" });

/** A meter, short enough to be told apart. */
export const short = (meter) => meter.slice(0, 4) + "…" + meter.slice(-4);

/** Spans of a period that holds a moment: names and edges, in local time. */
export function period(kind, at) {
  const begin = new Date(at.getFullYear(), at.getMonth(), at.getDate());
  if (kind === "week") begin.setDate(begin.getDate() - ((begin.getDay() + 6) % 7));
  if (kind === "month" || kind === "year") begin.setDate(1);
  if (kind === "year") begin.setMonth(0);
  const step = (from, by) => {
    const to = new Date(from);
    if (kind === "day") to.setDate(to.getDate() + by);
    if (kind === "week") to.setDate(to.getDate() + 7 * by);
    if (kind === "month") to.setMonth(to.getMonth() + by);
    if (kind === "year") to.setFullYear(to.getFullYear() + by);
    return to;
  };
  const end = step(begin, 1);
  const seconds = (moment) => Math.floor(moment.getTime() / 1000);
  const edges = [];
  const names = [];
  for (const at = new Date(begin); at < end; ) {
    edges.push(seconds(at));
    if (kind === "day") {
      names.push(clock(seconds(at)));
      // Hours of the clock: a day of the change has 23 or 25.
      at.setTime(at.getTime() + 3_600_000);
    } else if (kind === "year") {
      names.push(date(seconds(at), { month: "short" }));
      at.setMonth(at.getMonth() + 1);
    } else {
      names.push(date(seconds(at), kind === "week" ? { weekday: "short", day: "numeric" } : { day: "numeric" }));
      at.setDate(at.getDate() + 1);
    }
  }
  edges.push(seconds(end));
  const from = seconds(begin);
  const title = {
    day: () => date(from, { weekday: "long", day: "numeric", month: "long", year: "numeric" }),
    week: () => `${day(from)} – ${day(seconds(end) - 43_200)}`,
    month: () => month(from),
    year: () => String(begin.getFullYear()),
  }[kind]();
  return { edges, names, title, begin, before: step(begin, -1), after: end, beforeFrom: seconds(step(begin, -1)) };
}

/** A change against a figure before, in words. */
export function against(now, before, shown) {
  const more = now - before;
  if (more === 0) return t("same");
  return t(more > 0 ? "more" : "less", { amount: shown(Math.abs(more)) });
}
