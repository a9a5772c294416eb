// What the house does now, what it earned, whether all is well.
import { shared } from "/page/app.js";
import { get } from "/page/ask.js";
import { el, figure, flow } from "/page/draw.js";
import { clock, clockOf, energy, isRounding, moment, money, period, price } from "/page/figures.js";
import { t } from "/page/texts.js";

/** Money of today and of this month, energy of today. */
function questions() {
  const ends = (kind) => {
    const { edges } = period(kind, new Date());
    return `${edges[0]},${edges[edges.length - 1]}`;
  };
  return [`money?edges=${ends("day")}`, `money?edges=${ends("month")}`, `energy?edges=${ends("day")}`];
}

export async function now() {
  const status = shared.status ?? await get("status");
  const length = status.window_seconds;
  const second = Math.floor(Date.now() / 1000);
  const [day, month, used, last] = await Promise.all([
    ...questions().map(get),
    get(`windows?from=${second - 8 * length}&to=${second}`),
  ]);
  const [d, m, e] = [day.spans[0], month.spans[0], used.spans[0]];
  const metered = last.windows.filter((row) => row.surplus !== null);
  const row = metered[metered.length - 1];
  const parts = [];
  if (!row && m.windows === 0) {
    parts.push(el("div", { class: "note" }, el("p", null, t("firstTime", { minutes: Math.round(length / 60) }))));
  } else {
    const sun = row && status.generation ? (await get(`energy?edges=${row.from},${row.from + length}`)).spans[0] : null;
    parts.push(el("section", { class: "card" }, ...going(row, length, status, sun)));
  }
  parts.push(...reached(status));
  const cost = d.with;
  parts.push(el("div", { class: "cards" },
    figure(t("savedToday"), money(d.saved), saving(d.saved)),
    figure(t("savedMonth"), money(m.saved), saving(m.saved)),
    figure(t(cost < 0 ? "gain" : "cost"), money(Math.abs(cost)), `${t("spentToday", { amount: money(d.paid + d.charge) })} · ${t("earnedToday", { amount: money(d.earned), fed: money(d.feed_in) })}`),
    figure(t("today"), energy(e.bought + e.sold), `${t("bought")}: ${energy(e.bought)} · ${t("sold")}: ${energy(e.sold)}`),
    e.generated === null ? null : figure(t("generated"), energy(e.generated), `${t("used")}: ${energy(e.used)}`),
    neighbours(status),
    status.grid ? figure(t("gridAsks"), price(status.grid.import), t("gridPays", { price: price(status.grid.feed_in) })) : figure(t("gridAsks"), t("priceUnknown")),
    ...state(status)));
  return parts;
}

/** Limits of the day that leave no trade any more, until when. */
export const reached = (status) => status.reached.map((limit) => el("div", { class: "note reached" },
  el("p", null, el("strong", null, t(`reached_${limit.limited}`, { limit: limit.limited === "spend" ? money(limit.limit) : energy(limit.limit) })), " ", t(`until_${limit.limited}`, { time: moment(limit.again) }), " ",
    limit.on_chain ? t("reachedChain") : el("a", { href: "#/limits" }, t("reachedPolicy")))));

now.asks = questions;

/** A little below zero it is said why. */
const saving = (saved) => t(isRounding(saved) ? "lostShort" : "againstGrid");

/** What neighbours ask now, the cheapest of them, network charge included. */
function neighbours(status) {
  const offers = status.window?.offers ?? [];
  if (offers.length === 0) return null;
  return figure(t("neighboursAsk"), price(Math.min(...offers.map((offer) => offer.price + offer.charge))), t("offersNow", { count: offers.length }));
}

/** The flow of the last window, as a drawing and in words. */
function going(row, length, status, sun) {
  if (!row) return [el("p", null, t("flowNone"))];
  const window = t("windowOf", { from: clockOf(row.from, length), to: clockOf(row.from + length, length) });
  const live = status.window?.live === row.window ? status.window : null;
  const bought = Math.min(live ? live.bought : row.bought, row.deficit);
  const sold = Math.min(live ? live.sold : row.sold, row.surplus);
  const gives = row.surplus > 0;
  const words = gives
    ? t("flowSold", { amount: energy(sold), rest: energy(row.surplus - sold) })
    : t("flowBought", { amount: energy(bought), rest: energy(row.deficit - bought) });
  const some = (wh) => (wh > 0 ? energy(wh) : null);
  const amounts = { bought: some(bought), sold: some(sold), fromGrid: some(row.deficit - bought), toGrid: some(row.surplus - sold), sun: some(sun?.generated ?? 0) };
  const names = { neighbours: t("neighbours"), home: t("home"), grid: t("grid"), ...(sun?.use_windows > 0 ? { sun: t("sun") } : {}) };
  const made = sun?.use_windows > 0 ? ` ${t("flowMade", { made: energy(sun.generated), used: energy(sun.used) })}` : "";
  return [
    el("h2", null, t("lastWindow", { window })),
    flow(words + made, names, amounts),
    el("p", null, words + made),
  ];
}

function state(status) {
  const all = [];
  if (status.gate !== null) {
    const limit = typeof status.gate === "object" ? t("gateLimit", { amount: energy(status.gate.limit) }) : t("gateOpen");
    all.push(figure(t("gate"), limit, t("gateWhat")));
  }
  const wrong = status.health.troubles.map((trouble) => t(`alert_${trouble.part}`));
  const first = status.waiting_for ? t("alert_waiting") : wrong[0] ?? t("agentOk");
  const detail = status.block ? `${t("inService", { count: status.meters })} · ${t("lastBlock", { time: clock(status.block.time) })}` : t("do_waiting");
  const peers = status.peers === null ? "" : ` · ${t("connected", { count: status.peers })}`;
  all.push(figure(t("health"), first, detail + peers));
  return all;
}
