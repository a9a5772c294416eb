// Who sells how much, at which prices: figures that ask and prove nothing.
import { get } from "/page/ask.js";
import { el, figure, lines, table } from "/page/draw.js";
import { day, energy, money, number, plain, price } from "/page/figures.js";
import { meterLink, note, priceOr, share } from "/page/parts.js";
import { t } from "/page/texts.js";

export async function concentration() {
  const told = await get("market");
  const { total, days, sellers, pairs, setters } = told;
  if (total.trades === 0) return [note(t("noTrades"))];
  const hhi = (value) => (value === null ? t("none") : number(value));
  const parts = [
    el("p", null, t("concentrationWhat")),
    el("div", { class: "cards" },
      figure("HHI", hhi(total.hhi), t("hhiWhat")),
      figure(t("largestShare"), share(total.largest_share), t("ofSellers", { count: number(total.sellers) })),
      figure(t("meanPrice"), priceOr(total.mean_price), total.min_price === null ? null : t("between", { low: price(total.min_price), high: price(total.max_price) })),
      figure(t("unsoldShare"), share(total.unsold), t("unsoldWhat"))),
  ];
  if (days.length > 1) {
    parts.push(el("section", { class: "card" }, el("h2", null, t("hhiChart")), lines(t("hhiChart"), days.map((d) => day(d.day)), [{ class: "bought", values: days.map((d) => d.hhi) }], plain),
      el("details", null, el("summary", null, t("asTable")), table(t("hhiChart"), [t("day"), t("trades"), t("sellers"), t("arrived"), "HHI", t("largestShare"), t("meanPrice"), t("charges"), t("unsoldShare")],
        days.map((d) => [day(d.day), number(d.trades), number(d.sellers), energy(d.arrived_wh), hhi(d.hhi), share(d.largest_share), priceOr(d.mean_price), money(d.charges), share(d.unsold)]), ["text"], false))));
  }
  parts.push(
    el("section", { class: "card" }, el("h2", null, t("largestSellers")), table(t("largestSellers"), [t("seller"), t("share"), t("arrived"), t("offered"), t("unsoldShare"), t("meanPrice")],
      sellers.slice(0, 20).map((s) => [meterLink(s.meter), share(s.share), energy(s.arrived_wh), energy(s.offered_wh), share(s.unsold), priceOr(s.mean_price)]), ["text"]),
      told.all_sellers > 20 ? el("p", { class: "soft" }, t("ofAll", { shown: "20", count: number(told.all_sellers) })) : null),
    el("div", { class: "two" },
      el("section", { class: "card" }, el("h2", null, t("setters")), el("p", null, t("settersWhat")), table(t("setters"), [t("seller"), t("windows")], setters.map((s) => [meterLink(s.meter), number(s.windows)]), ["text"])),
      el("section", { class: "card" }, el("h2", null, t("largestPairs")), table(t("largestPairs"), [t("seller"), t("buyer"), t("arrived"), t("share")],
        pairs.slice(0, 20).map((p) => [meterLink(p.seller), meterLink(p.buyer), energy(p.arrived_wh), share(p.share)]), ["text", "text"]),
        told.all_pairs > 20 ? el("p", { class: "soft" }, t("ofAll", { shown: "20", count: number(told.all_pairs) })) : null)),
  );
  return parts;
}
concentration.asks = () => ["market"];
