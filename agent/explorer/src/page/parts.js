// What several views are made of.
import { el, table } from "/page/draw.js";
import { energy, money, moment, number, price, short } from "/page/figures.js";
import { t } from "/page/texts.js";

/** What all views know: the last state; none: nobody answers. */
export const shared = { status: null };

export const note = (...texts) => el("div", { class: "note" }, texts.map((text) => el("p", null, text)));

/** When a window began. */
export const windowTime = (window) => window * shared.status.window_seconds;

export const meterLink = (meter) => el("a", { href: `#/meter/${meter}`, title: meter }, short(meter));
export const tradeLink = (sequence) => el("a", { href: `#/trade/${sequence}` }, number(sequence));

/** Millionths as per cent. */
export const share = (millionths) => (millionths === null || millionths === undefined ? t("none") : `${number(millionths / 10_000, 1)} %`);

export const priceOr = (value) => (value === null || value === undefined ? t("noPrice") : price(value));

/** Names and values. */
export const facts = (pairs) => el("dl", null, pairs.filter((pair) => pair !== null).flatMap(([name, value]) => [el("dt", null, name), el("dd", null, value)]));

export const field = (id, label, control) => el("div", { class: "field" }, el("label", { for: id }, label), control);

/** The address of a view with what is asked. */
export function address(view, asked) {
  const query = new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== "" && value !== null && value !== undefined));
  const text = query.toString();
  return text === "" ? `#/${view}` : `#/${view}?${text}`;
}

/** A date of the calendar as seconds, at its beginning in UTC: markets count days so. */
export function seconds(date, days = 0) {
  const at = Date.parse(`${date}T00:00:00Z`);
  return Number.isNaN(at) ? null : Math.floor(at / 1000) + days * 86_400;
}

/** A list that grows by pages: `more(cursor)` gives { rows, next }. */
export function growing(caption, heads, kinds, first, more) {
  const place = el("div", { class: "card" });
  const rows = [...first.rows];
  const draw = (next) => {
    place.replaceChildren(table(caption, heads, rows, kinds));
    if (next === null || next === undefined) return;
    place.append(el("p", null, el("button", { type: "button", id: "older", onclick: async (event) => {
      event.target.disabled = true;
      const page = await more(next);
      rows.push(...page.rows);
      draw(page.next);
      document.getElementById("older")?.focus();
    } }, t("older"))));
  };
  draw(first.next);
  return place;
}

/** A field of an event, as people read it. */
function told(name, value) {
  if (value === null) return "–";
  if (Array.isArray(value)) return value.map((one) => told(name, one)).join(", ");
  if (typeof value === "object") return JSON.stringify(value);
  if (typeof value !== "number") return String(value);
  if (["price", "min_sell_price", "max_buy_price", "import", "feed_in"].includes(name)) return price(value);
  if (["paid", "amount", "free", "locked", "refunded", "owed", "max_spend_per_day"].includes(name)) return money(value, 4);
  if (name === "charge") return `${value}`;
  if (["wh", "asked", "arrived", "declined", "missed", "lost", "net", "gross", "sold", "redeemed", "covered", "max_export", "max_import", "capacity", "delivered", "max_buy_per_day", "max_sell_per_day"].includes(name)) return energy(value);
  if (["window", "from_window", "first_window", "last_window", "through"].includes(name)) return `${value} (${moment(windowTime(value))})`;
  if (["from", "requested_at", "closed_at"].includes(name) && value > 1_000_000_000) return moment(value);
  if (name === "loss") return `${number(value / 10_000, 2)} %`;
  return String(value);
}

/** What an event says, name by name. */
export function fieldsOf(fields) {
  return Object.entries(fields).map(([name, value]) => el("span", null, el("span", { class: "soft" }, `${name} `), told(name, value), "  "));
}

/** Rows of events. */
export const eventRows = (events) => events.map((event) => [moment(event.time), el("code", null, event.name), el("span", null, fieldsOf(event.fields)), t("inBlock", { height: number(event.height), tx: number(event.tx) })]);
export const EVENT_KINDS = ["text", "text", "wide", "wide"];
export const eventHeads = () => [t("when"), t("what"), t("said"), t("where")];
