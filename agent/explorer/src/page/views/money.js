// Money beside trades: the feed-in reserve, charges, accounts, fees.
import { get } from "/page/ask.js";
import { el, figure, table } from "/page/draw.js";
import { day, money as coins, moment, number } from "/page/figures.js";
import { eventHeads, eventRows, EVENT_KINDS, facts, note, windowTime } from "/page/parts.js";
import { t } from "/page/texts.js";

export async function money() {
  const told = await get("money");
  const fees = told.fees.map((d) => [day(d.day), number(d.transactions), number(d.failed), number(d.gas), coins(d.fees, 4)]);
  return [
    el("div", { class: "cards" },
      figure(t("reserve"), coins(told.reserve), t("reserveOwed", { money: coins(told.feed_in_owed) })),
      figure(t("feedInPaid"), coins(told.feed_in_paid), told.feed_in_through === null ? t("neverConfirmed") : t("confirmedTo", { time: moment(windowTime(told.feed_in_through)) })),
      figure(t("charges"), coins(told.charges), t("paidOut", { money: coins(told.charges_withdrawn) })),
      figure(t("lockedMoney"), coins(told.locked), t("forOrders"))),
    el("section", { class: "card" }, el("h2", null, t("reserve")), facts([
      [t("funded"), coins(told.reserve_funded)], [t("takenBack"), coins(told.reserve_taken)], [t("credited"), coins(told.feed_in_credited)], [t("feedInPaid"), coins(told.feed_in_paid)], [t("struckOut"), coins(told.feed_in_struck)]]),
      told.events.length === 0 ? el("p", { class: "soft" }, t("nothingYet")) : table(t("reserve"), eventHeads(), eventRows(told.events), EVENT_KINDS)),
    el("section", { class: "card" }, el("h2", null, t("accounts")), facts([[t("deposited"), coins(told.deposited)], [t("withdrawn"), coins(told.withdrawn)], [t("refusedItems"), number(told.refused)]])),
    el("section", { class: "card" }, el("h2", null, t("fees")), fees.length === 0 ? note(t("noFees")) : [el("p", null, t("feesWhat")), table(t("fees"), [t("day"), t("transactions"), t("failedTx"), "Gas", t("fees")], fees, ["text"])]),
  ];
}
money.asks = () => ["money"];
