// Closed trades, newest first.
import { redraw, shared } from "/page/app.js";
import { get } from "/page/ask.js";
import { pseudonym } from "/page/copy.js";
import { el, inHand as under, table } from "/page/draw.js";
import { energy, moment, money, percent, price } from "/page/figures.js";
import { t } from "/page/texts.js";

const asked = { from: "", to: "", side: "" };
const LIMIT = 50;

const inHand = (head, figure) => under(t(head), figure);

/** Money of one trade: of less than a coin more digits, so that price and charge add up to it. */
const coins = (micro) => money(micro, micro < 1e6 ? 4 : 2);

/** A date of the calendar as seconds, at its beginning where the home is. */
function seconds(date, days = 0) {
  const [year, month, day] = date.split("-").map(Number);
  return Math.floor(new Date(year, month - 1, day + days).getTime() / 1000);
}

function query() {
  const parts = [];
  if (asked.from) parts.push(`from=${seconds(asked.from)}`);
  if (asked.to) parts.push(`to=${seconds(asked.to, 1)}`);
  return parts;
}

function row(trade) {
  const buys = trade.buyer === shared.status.meter;
  const partner = buys ? trade.seller : trade.buyer;
  const total = trade.paid + (buys ? trade.charge : 0);
  return [
    moment(trade.closed_at),
    el("span", { class: `pill ${buys ? "bought" : "sold"}` }, t(buys ? "boughtShort" : "soldShort")),
    energy(trade.arrived),
    coins(total),
    inHand("priceAlone", price(trade.price)),
    inHand("onTop", buys ? coins(trade.charge) : "–"),
    percent(trade.asked === 0 ? 1 : trade.arrived / trade.asked),
    pseudonym(partner, trade.sequence),
    `${t(trade.kind)}, ${t("recordOf", { height: trade.height, sequence: trade.sequence })}`,
  ];
}

function question(before) {
  const side = asked.side ? [`side=${asked.side}`] : [];
  return `trades?${[...query(), ...side, `limit=${LIMIT}`, ...(before ? [`before=${before}`] : [])].join("&")}`;
}

export async function trades() {
  const page = (before) => get(question(before));
  const first = await page();
  const field = (id, label, control) => el("div", { class: "field" }, el("label", { for: id }, label), control);
  const form = el("form", { class: "row end", onsubmit: (event) => {
    event.preventDefault();
    for (const key of ["from", "to", "side"]) asked[key] = document.getElementById(key).value;
    redraw();
  } },
    field("from", t("from"), el("input", { id: "from", type: "date", value: asked.from })),
    field("to", t("to"), el("input", { id: "to", type: "date", value: asked.to })),
    field("side", t("what"), el("select", { id: "side" }, [["", "all"], ["bought", "boughtShort"], ["sold", "soldShort"]].map(([value, key]) => el("option", { value, selected: value === asked.side }, t(key))))),
    el("button", { type: "submit", class: "first" }, t("show")),
    el("a", { class: "button", id: "export", href: `/api/v1/export?${["what=trades", ...query()].join("&")}`, download: true }, t("exportTrades")));
  const rows = first.trades.map(row);
  if (rows.length === 0) return [form, el("div", { class: "note" }, el("p", null, t("noTrades")))];
  const place = el("div", { class: "card" });
  const heads = ["when", "what", "amount", "total", "priceAlone", "onTop", "quality", "partner", "record"].map((key) => t(key));
  const kinds = ["text", "text", "", "", "", "", "", "text", "wide"];
  const draw = (next) => {
    place.replaceChildren(table(t("trades"), heads, rows, kinds));
    if (next !== null) {
      place.append(el("p", null, el("button", { type: "button", id: "older", onclick: async () => {
        const more = await page(next);
        rows.push(...more.trades.map(row));
        draw(more.next);
        document.getElementById("older")?.focus();
      } }, t("older"))));
    }
  };
  draw(first.next);
  return [form, el("section", null, place), el("p", { class: "soft", id: "sum-of" }, t("totalIs"))];
}
trades.still = true;
trades.asks = () => [question()];
