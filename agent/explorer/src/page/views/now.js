// How the market stands, and its windows.
import { get } from "/page/ask.js";
import { bars, el, figure, legend, lines, table } from "/page/draw.js";
import { clock, currencyName, day, energy, money, moment, number, plain, price } from "/page/figures.js";
import { address, field, growing, note, priceOr, seconds, shared, windowTime } from "/page/parts.js";
import { t } from "/page/texts.js";

const kwh = (wh) => wh / 1000;

/** How windows are added up. */
const EVERY = ["window", "hour", "day"];
const everyOf = (asked) => (EVERY.includes(asked.get("every")) ? asked.get("every") : "hour");
const series = (every) => `series?every=${every}&points=${every === "window" ? 96 : every === "hour" ? 168 : 120}`;

/** Energy and prices over time. */
async function charts(every) {
  const { windows } = await get(series(every));
  if (windows.length === 0) return [note(t("noWindows"))];
  const name = (w) => (every === "day" ? day(windowTime(w.window)) : clock(windowTime(w.window)));
  const names = windows.map(name);
  const of = (pick) => windows.map(pick);
  const unit = currencyName();
  const rows = windows.map((w) => [moment(windowTime(w.window)), energy(w.minted), energy(w.covered), energy(w.arrived), energy(w.lost), energy(w.unsold), priceOr(w.mean_price)]);
  return [
    el("section", { class: "card" }, el("h2", null, `${t("energyChart")}, kWh`),
      bars(t("energyChart"), names, [{ class: "bought", values: of((w) => kwh(w.arrived)) }, { class: "back", values: of((w) => kwh(w.lost)) }, { class: "grid", values: of((w) => kwh(w.unsold)) }], plain,
        (at) => `${t("arrived")} ${energy(windows[at].arrived)}, ${t("lost")} ${energy(windows[at].lost)}, ${t("unsold")} ${energy(windows[at].unsold)}`),
      legend([["bought", t("arrived")], ["back", t("lost")], ["grid", t("unsold")]])),
    el("section", { class: "card" }, el("h2", null, `${t("priceChart")}, ${unit}/kWh`),
      lines(t("priceChart"), names, [{ class: "bought", values: of((w) => (w.mean_price === null ? null : w.mean_price / 1e6)) }, { class: "grid", values: of((w) => (w.top_price === null ? null : w.top_price / 1e6)) }], plain),
      legend([["bought", t("meanPrice")], ["grid", t("topPrice")]]),
      el("details", null, el("summary", null, t("asTable")),
        table(t("energyChart"), [t("time"), t("minted"), t("covered"), t("arrived"), t("lost"), t("unsold"), t("meanPrice")], rows, ["text"], false))),
  ];
}

export async function now(part, asked) {
  const status = shared.status;
  if (status === null) return [note(t("retry"))];
  const every = everyOf(asked);
  const totals = status.totals;
  const last = status.last_window;
  const chosen = el("p", { class: "row" }, EVERY.map((kind) =>
    el("a", { class: kind === every ? "button first" : "button", id: `every-${kind}`, "aria-current": kind === every ? "true" : null, href: address("now", { every: kind }) }, t(`by_${kind}`))));
  return [
    el("p", { class: "soft" }, t(status.source === "file" ? "fromFile" : "fromNode", { chain: status.chain_id, height: number(status.height ?? 0), time: moment(status.time) })),
    el("div", { class: "cards" },
      figure(t("trades"), number(status.counts.trades), t("inWindows", { count: number(status.counts.windows) })),
      figure(t("meters"), number(status.counts.meters), status.counts.retired > 0 ? t("retiredCount", { count: number(status.counts.retired) }) : null),
      figure(t("lastWindow"), last === null ? t("none") : energy(last.arrived), last === null ? null : t("windowAt", { time: moment(windowTime(last.window)) })),
      figure(t("lastPrice"), last === null ? t("none") : priceOr(last.mean_price), last === null ? null : t("upTo", { price: priceOr(last.top_price) })),
      figure(t("gridAsks"), status.import === null ? t("unknown") : price(status.import), status.feed_in === null ? null : t("gridPays", { price: price(status.feed_in) })),
      figure(t("rules"), status.violations === 0 ? t("allHold") : number(status.violations), t("rulesOf", { count: number(totals.events), states: number(totals.states) }))),
    el("section", { class: "card" }, el("h2", null, t("conservation")),
      el("p", null, t("conserved", { minted: energy(totals.minted), redeemed: energy(totals.redeemed), lost: energy(totals.lost), expired: energy(totals.expired) })),
      el("p", { class: "soft" }, t("conservedExact", { minted: totals.minted, redeemed: totals.redeemed, lost: totals.lost, expired: totals.expired })),
      el("p", null, t("moneyOf", { paid: money(totals.paid), charges: money(totals.charges), late: energy(totals.late) }))),
    status.paused ? note(t("marketPaused")) : null,
    el("h2", null, t("overTime")), chosen,
    ...(await charts(every)),
  ];
}

now.asks = (part, asked) => [series(everyOf(asked))];

/** What is asked for a page of windows. */
function question(asked, before = null) {
  const span = (key, days) => seconds(asked.get(key) ?? "", days);
  const query = [["from", span("from", 0)], ["to", span("to", 1)], ["before", before]].filter(([, value]) => value !== null).map(([key, value]) => `&${key}=${value}`).join("");
  return `windows?limit=50${query}`;
}

export async function windows(part, asked) {
  const from = asked.get("from") ?? "";
  const to = asked.get("to") ?? "";
  const row = (w) => [moment(windowTime(w.window)), energy(w.minted), energy(w.covered), energy(w.sent), energy(w.arrived), energy(w.lost), energy(w.unsold), number(w.trades), priceOr(w.mean_price), money(w.charges)];
  const page = async (before) => {
    const told = await get(question(asked, before));
    return { rows: told.windows.map(row), next: told.next };
  };
  const form = el("form", { class: "row end", onsubmit: (event) => {
    event.preventDefault();
    location.hash = address("windows", { from: document.getElementById("from").value, to: document.getElementById("to").value });
  } },
    field("from", t("fromDay"), el("input", { id: "from", type: "date", value: from })),
    field("to", t("toDay"), el("input", { id: "to", type: "date", value: to })),
    el("button", { type: "submit", class: "first" }, t("show")));
  const first = await page(null);
  if (first.rows.length === 0) return [form, note(t("noWindows"))];
  const heads = ["time", "minted", "covered", "sent", "arrived", "lost", "unsold", "trades", "meanPrice", "charges"].map((key) => t(key));
  return [el("p", null, t("windowsWhat")), form, el("section", null, growing(t("windows"), heads, ["text"], first, page))];
}
windows.still = true;
windows.asks = (part, asked) => [question(asked)];
