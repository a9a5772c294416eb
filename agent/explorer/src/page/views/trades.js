// Closed trades: search, pages; one trade with its settlement and its proof.
import { get, Refused } from "/page/ask.js";
import { el, table } from "/page/draw.js";
import { energy, money, moment, number, price } from "/page/figures.js";
import { address, eventHeads, eventRows, EVENT_KINDS, facts, field, growing, meterLink, note, seconds, tradeLink, windowTime } from "/page/parts.js";
import { t } from "/page/texts.js";

const row = (trade) => [tradeLink(trade.sequence), moment(windowTime(trade.window)), meterLink(trade.seller), meterLink(trade.buyer), energy(trade.arrived), price(trade.price), money(trade.paid, 4), money(trade.charge, 4), t(trade.kind)];
export const tradeHeads = () => ["number", "metered", "seller", "buyer", "arrived", "price", "paid", "charge", "kind"].map((key) => t(key));
export const TRADE_KINDS = ["text", "text", "text", "text", "", "", "", "", "text"];

const FIELDS = ["meter", "from", "to", "min", "max", "kind", "sort"];

/** What is asked of the interface. */
export function query(asked) {
  const value = (key) => asked.get(key) ?? "";
  const parts = new URLSearchParams();
  const put = (name, text) => { if (text !== "" && text !== null && !Number.isNaN(text)) parts.set(name, String(text)); };
  put("meter", value("meter").trim().toLowerCase());
  if (value("from")) put("from", seconds(value("from")));
  if (value("to")) put("to", seconds(value("to"), 1));
  const micro = (text) => (text === "" ? "" : Math.round(Number(text.replace(",", ".")) * 1e6));
  put("min_price", micro(value("min")));
  put("max_price", micro(value("max")));
  put("kind", value("kind"));
  put("sort", value("sort"));
  return parts;
}

/** What is asked for a page of trades. */
export function question(asked, after = null) {
  const parts = query(asked);
  parts.set("limit", "50");
  if (after !== null) parts.set("after", after);
  return `trades?${parts}`;
}

/** Pages of trades. */
export async function list(asked) {
  const page = async (after) => {
    const told = await get(question(asked, after));
    return { rows: told.trades.map(row), next: told.next };
  };
  const first = await page(null);
  if (first.rows.length === 0) return note(t("noTrades"));
  return el("section", null, growing(t("trades"), tradeHeads(), TRADE_KINDS, first, page));
}

export async function trades(part, asked) {
  const value = (key) => asked.get(key) ?? "";
  const select = (id, options) => el("select", { id }, options.map(([name, text]) => el("option", { value: name, selected: name === value(id) }, t(text))));
  const form = el("form", { onsubmit: (event) => {
    event.preventDefault();
    location.hash = address("trades", Object.fromEntries(FIELDS.map((id) => [id, document.getElementById(id).value.trim().toLowerCase()])));
  } }, el("div", { class: "fields" },
    field("meter", t("meterDigits"), el("input", { id: "meter", type: "text", value: value("meter"), maxlength: 32, pattern: "[0-9a-fA-F]*", autocomplete: "off", spellcheck: "false" })),
    field("from", t("fromDay"), el("input", { id: "from", type: "date", value: value("from") })),
    field("to", t("toDay"), el("input", { id: "to", type: "date", value: value("to") })),
    field("min", t("minPrice"), el("input", { id: "min", type: "text", inputmode: "decimal", value: value("min"), pattern: "[0-9]+([.,][0-9]+)?" })),
    field("max", t("maxPrice"), el("input", { id: "max", type: "text", inputmode: "decimal", value: value("max"), pattern: "[0-9]+([.,][0-9]+)?" })),
    field("kind", t("kind"), select("kind", [["", "allKinds"], ["spot", "spot"], ["forward", "forward"]])),
    field("sort", t("order"), select("sort", [["", "newest"], ["price", "dearest"], ["energy", "largest"]]))),
  el("p", { class: "row" }, el("button", { type: "submit", class: "first", id: "search" }, t("search")), el("a", { class: "button", href: "#/trades" }, t("clear"))));
  return [form, await list(asked)];
}
trades.still = true;
trades.asks = (part, asked) => [question(asked)];

/** Asks a node for a proof, and shows it. */
function proofOf(sequence) {
  const place = el("div", { id: "proof" });
  const button = el("button", { type: "button", id: "prove", class: "first", onclick: async () => {
    button.disabled = true;
    place.replaceChildren(el("p", { role: "status" }, t("loading")));
    try {
      const proof = await get(`trades/${sequence}/proof`);
      const file = new Blob([JSON.stringify(proof.file)], { type: "application/json" });
      place.replaceChildren(el("p", null, t("proven", { height: number(proof.height), time: moment(proof.time) })),
        el("p", null, el("a", { class: "button", download: `trade-${sequence}.proof.json`, href: URL.createObjectURL(file) }, t("keepProof"))),
        el("p", { class: "soft" }, t("checkProof"), el("code", null, `wattpool audit trade --proof trade-${sequence}.proof.json --market market.json`)));
    } catch (error) {
      place.replaceChildren(el("div", { class: "alert", role: "alert" }, el("p", null, error instanceof Refused ? error.message : String(error))));
    }
    button.disabled = false;
  } }, t("prove"));
  return [el("p", null, button), place];
}

export async function trade(part) {
  const told = await get(trade.asks(part)[0]);
  const { trade: one, record } = told;
  const check = (c) => [t(`check_${c.name}`), el("span", { class: "pill" }, t(c.holds === null ? "notKnown" : c.holds ? "doesHold" : "doesNot")), el("span", null, c.said)];
  const wrong = told.checks.some((c) => c.holds === false);
  return [
    wrong ? el("div", { class: "alert", role: "alert" }, el("p", null, t("tradeWrong"))) : null,
    el("section", { class: "card" }, facts([
      [t("metered"), one.count === 1 ? moment(windowTime(one.window)) : t("windowsOf", { time: moment(windowTime(one.window)), count: number(one.count) })],
      [t("seller"), el("a", { href: `#/meter/${one.seller}` }, one.seller)],
      [t("buyer"), el("a", { href: `#/meter/${one.buyer}` }, one.buyer)],
      [t("kind"), t(one.kind)],
      [t("asked"), energy(one.asked)],
      [t("arrived"), `${energy(one.arrived)} (${one.arrived} Wh)`],
      [t("lost"), `${energy(one.lost)} (${one.lost} Wh)`],
      [t("price"), price(one.price)],
      [t("paid"), `${money(one.paid, 4)} (${one.paid})`],
      [t("charge"), `${money(one.charge, 4)} (${one.charge})`],
      [t("closed"), `${moment(record.closed_at)}, ${t("inBlock", { height: number(one.height), tx: number(one.tx) })}`],
      [t("logPlace"), number(one.sequence)],
    ])),
    el("section", { class: "card" }, el("h2", null, t("checks")), el("p", null, t("checksWhat")), table(t("checks"), [t("what"), t("result"), t("said")], told.checks.map(check), ["text", "text", "wide"])),
    el("section", { class: "card" }, el("h2", null, t("proof")), el("p", null, t(told.provable ? "proofWhat" : "proofFile")), told.provable ? proofOf(one.sequence) : null,
      el("details", null, el("summary", null, t("logHash")), facts([[t("headBefore"), el("code", null, told.head_before ?? t("notKnown"))], [t("recordBytes"), el("code", null, told.record_bytes)], [t("head"), el("code", null, told.head)]]))),
    el("section", { class: "card" }, el("h2", null, t("settlement")), el("p", null, t("settlementWhat")), table(t("settlement"), eventHeads(), eventRows(told.events), EVENT_KINDS)),
  ];
}
trade.still = true;
trade.asks = (part) => [`trades/${encodeURIComponent(part)}`];
trade.title = (part) => t("tradeNumber", { number: part });
