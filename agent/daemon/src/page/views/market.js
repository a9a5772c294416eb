// What neighbours offer, and the market as the chain tells it.
import { attempt, change, isOwner, redraw, say, says, shared } from "/page/app.js";
import { get, Refused } from "/page/ask.js";
import { pseudonym } from "/page/copy.js";
import { el, figure, inHand as under, legend, lines, table } from "/page/draw.js";
import { clock, currencyName, energy, number, plain, price, short } from "/page/figures.js";
import { t } from "/page/texts.js";
import { reached } from "/page/views/now.js";

const inHand = (head, figure) => under(t(head), figure);

export async function offers() {
  let told;
  try {
    told = await get("offers");
  } catch (error) {
    if (error instanceof Refused && error.status === 503) return [el("p", null, t("offersWhat")), el("div", { class: "note" }, el("p", null, t("offersOff")), says(error.message))];
    throw error;
  }
  const parts = [el("p", null, t("offersWhat")), ...reached(shared.status)];
  if (told.offers.length === 0) return [...parts, el("div", { class: "note" }, el("p", null, t("noOffers")))];
  const policy = shared.status.policy;
  const add = (list, meter, word) => attempt(async () => {
    await change({ [list]: [...policy[list], meter] });
    say(t(word));
    await redraw();
  });
  const grid = shared.status.grid;
  const rows = [...told.offers].sort((a, b) => a.price + a.charge - b.price - b.charge).map((offer) => [
    pseudonym(offer.seller, offer.seller),
    inHand("fromWhere", String(offer.zone) === String(shared.status.zone) ? t("ownZone", { zone: offer.zone }) : String(offer.zone)),
    t(`source_${offer.kind ?? "unknown"}`),
    energy(offer.wh),
    inHand("atMost", price(offer.price)),
    inHand("onTop", price(offer.charge)),
    inHand("belowGrid", grid ? price(grid.import - offer.price - offer.charge) : "–"),
    el("span", { class: "row" }, !isOwner() ? null : policy.preferred.includes(offer.seller)
      ? el("span", { class: "pill" }, t("preferred"))
      : el("button", { type: "button", id: `prefer-${offer.seller}`, onclick: () => add("preferred", offer.seller, "saidPreferred") }, t("preferIt")),
    isOwner() ? el("button", { type: "button", id: `block-${offer.seller}`, "aria-label": `${t("blockIt")}: ${short(offer.seller)}`, onclick: () => add("blocked", offer.seller, "saidBlocked") }, t("blockIt")) : null),
  ]);
  parts.push(el("div", { class: "card" }, table(t("offers"), [t("seller"), t("fromWhere"), t("source"), t("amount"), t("atMost"), t("onTop"), t("belowGrid"), t("what")], rows, ["text", "text", "text", "", "", "", "", "wide"])));
  return parts;
}
offers.asks = () => ["offers"];

export async function market() {
  let told;
  let past;
  try {
    [told, past] = await Promise.all(market.asks().map(get));
  } catch (error) {
    if (error instanceof Refused && error.status === 503) return [el("div", { class: "note" }, el("p", null, t("marketOff")), says(error.message))];
    throw error;
  }
  const { grid, signal, zones } = told;
  const length = shared.status.window_seconds;
  const parts = [el("div", { class: "cards" },
    figure(t("supply"), energy(signal.supply), t("closedWindow")),
    figure(t("demand"), energy(signal.demand), t("closedWindow")),
    figure(t("meanPrice"), signal.mean_price === null ? t("noPrice") : price(signal.mean_price), t("closedWindow")),
    figure(t("tradedNow"), energy(grid.books.redeemed), t("lastWindow", { window: clock(grid.window * length) })),
    figure(t("gridAsks"), price(grid.tariffs.import), t("gridPays", { price: price(grid.tariffs.feed_in) })),
    figure(t("meters"), number(grid.meters)))];
  const names = past.windows.map((w) => clock(w.window * length));
  const of = (pick) => past.windows.map((w) => pick(w.books));
  const kwh = (wh) => wh / 1000;
  parts.push(el("section", { class: "card" }, el("h2", null, `${t("marketChart")}, kWh`),
    lines(t("marketChart"), names, [{ class: "sold", values: of((b) => kwh(b.minted)) }, { class: "bought", values: of((b) => kwh(b.covered)) }], plain),
    legend([["sold", t("supply")], ["bought", t("demand")]])));
  parts.push(el("section", { class: "card" }, el("h2", null, `${t("priceChart")}, ${currencyName()}/kWh`),
    lines(t("priceChart"), names, [{ class: "bought", values: of((b) => (b.redeemed > 0 ? (b.paid * 1000) / b.redeemed / 1e6 : null)) }], plain),
    el("details", null, el("summary", null, t("asTable")),
      table(t("market"), [t("time"), t("supply"), t("demand"), t("boughtShort"), t("meanPrice")],
        past.windows.map((w, at) => [names[at], energy(w.books.minted), energy(w.books.covered), energy(w.books.redeemed), w.books.redeemed > 0 ? price(Math.floor((w.books.paid * 1000) / w.books.redeemed)) : t("noPrice")]), ["text"], false))));
  if (zones.length > 0) {
    parts.push(el("section", { class: "card" }, table(t("zones"), [t("zoneFrom"), t("zoneTo"), t("loss"), t("charge"), t("capacity")],
      zones.map((z) => [String(z.from), String(z.to), `${number(z.loss / 10_000, 1)} %`, price(z.charge), z.capacity === null ? t("unlimited") : energy(z.capacity)]), ["text", "text"], false)));
  }
  return parts;
}
market.asks = () => ["market", "market/windows?last=32"];
