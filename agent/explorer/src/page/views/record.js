// Disputes, what the operator changed, validators, files and the interface.
import { get, Refused } from "/page/ask.js";
import { el, table } from "/page/draw.js";
import { energy, money, moment, number, percent, price } from "/page/figures.js";
import { eventHeads, eventRows, EVENT_KINDS, facts, growing, meterLink, note, shared, windowTime } from "/page/parts.js";
import { t } from "/page/texts.js";

export async function disputes() {
  const told = await get(disputes.asks()[0]);
  const page = async (before) => {
    const next = await get(`disputes?limit=50&before=${before}`);
    return { rows: eventRows(next.events), next: next.next };
  };
  const open = told.open.map((m) => [meterLink(m.meter), m.notice === null ? t("none") : t(m.notice_retires ? "noticeRetire" : "noticeChange", { time: moment(m.notice) }), m.objected ? t("waitsForDecision") : t("none")]);
  const holds = told.holds.map((h) => [el("code", null, h.owner), moment(windowTime(h.first)), moment(windowTime(h.last)), t(`hold_${h.reason}`), t(`hold_${h.state}`), h.until === null ? t("none") : moment(h.until), money(h.held), money(h.struck)]);
  const orders = told.orders.map((o) => [meterLink(o.buyer), meterLink(o.seller), moment(windowTime(o.first)), moment(windowTime(o.last)), energy(o.wh), price(o.price), money(o.locked), energy(o.delivered), t(`order_${o.state}`)]);
  return [
    el("p", null, t("disputesWhat")),
    el("section", { class: "card" }, el("h2", null, t("openDisputes")), open.length === 0 ? el("p", null, t("noDisputes")) : table(t("openDisputes"), [t("meter"), t("notice"), t("objection")], open, ["text", "wide", "wide"])),
    el("section", { class: "card" }, el("h2", null, t("heldCredit")), el("p", null, t("heldCreditWhat")), holds.length === 0 ? el("p", null, t("noHeldCredit")) : table(t("heldCredit"), [t("account"), t("fromWindow"), t("toWindow"), t("reason"), t("state"), t("holdEnds"), t("setAside"), t("struckOut")], holds, ["text", "text", "text", "text", "text", "text", "", ""])),
    el("section", { class: "card" }, el("h2", null, t("holds")), el("p", null, t("holdsWhat")), orders.length === 0 ? el("p", null, t("noOrders")) : table(t("holds"), [t("buyer"), t("seller"), t("fromWindow"), t("toWindow"), t("perWindow"), t("price"), t("lockedMoney"), t("delivered"), t("state")], orders, ["text", "text", "text", "text", "", "", "", "", "text"])),
    el("h2", null, t("history")),
    told.events.length === 0 ? note(t("nothingYet")) : growing(t("history"), eventHeads(), EVENT_KINDS, { rows: eventRows(told.events), next: told.next }, page),
  ];
}

disputes.asks = () => ["disputes?limit=50"];

export async function operator() {
  const page = async (before) => {
    const told = await get(`operator?limit=50${before === null ? "" : `&before=${before}`}`);
    return { rows: eventRows(told.events), next: told.next };
  };
  const first = await page(null);
  return [el("p", null, t("operatorWhat")), first.rows.length === 0 ? note(t("nothingYet")) : growing(t("operator"), eventHeads(), EVENT_KINDS, first, page)];
}
operator.still = true;
operator.asks = () => ["operator?limit=50"];

export async function validators() {
  let told;
  try {
    told = await get("validators");
  } catch (error) {
    if (error instanceof Refused && (error.status === 404 || error.status === 503)) return [note(t("noValidators"), error.message)];
    throw error;
  }
  const all = told.validators.reduce((sum, v) => sum + Number(v.tokens), 0) || 1;
  const rows = told.validators.map((v) => [v.moniker, el("code", null, v.operator), percent(Number(v.tokens) / all), percent(Number(v.commission)), v.jailed ? t("jailed") : v.bonded ? t("signs") : t("waits")]);
  return [el("p", null, t("validatorsWhat")), el("div", { class: "card" }, table(t("validators"), [t("name"), t("address"), t("stake"), t("commission"), t("state")], rows, ["text", "text", "", "", "text"]))];
}

validators.asks = () => ["validators"];

export async function data() {
  const status = shared.status;
  if (status === null) return [note(t("retry"))];
  const files = ["trades", "windows", "meters", "fees"].flatMap((what) => ["csv", "json"].map((form) => {
    const asked = `what=${what}&form=${form}`;
    return [t(what), form.toUpperCase(), el("a", { href: `/api/v1/export?${asked}`, download: `wattpool-${what}.${form}`, id: `file-${what}-${form}` }, t("download")),
      status.auditor === null ? t("unsigned") : el("a", { href: `/api/v1/export/signature?${asked}`, download: `wattpool-${what}.${form}.sig.json` }, t("signature"))];
  }));
  return [
    el("section", { class: "card" }, el("h2", null, t("index")), facts([
      [t("chain"), status.chain_id], [t("source"), t(status.source === "file" ? "aFile" : "aNode")],
      [t("blocks"), t("blocksOf", { from: number(status.from_height), to: number(status.height ?? 0) })],
      [t("beginning"), t(status.whole ? "isWhole" : "isPart", { height: number(status.from_height) })],
      status.oldest === null ? null : [t("nodeKeeps"), t("blocksOf", { from: number(status.oldest), to: number(status.newest ?? 0) })],
      [t("events"), number(status.counts.events)],
      [t("token"), el("code", null, status.token)], [t("pool"), el("code", null, status.pool)], [t("escrow"), el("code", null, status.escrow)]])),
    el("section", { class: "card" }, el("h2", null, t("files")), el("p", null, status.auditor === null ? t("filesUnsigned") : t("filesSigned", { who: status.auditor })),
      table(t("files"), [t("what"), t("form"), t("file"), t("signature")], files, ["text", "text", "text", "text"])),
    el("section", { class: "card" }, el("h2", null, t("forPrograms")), el("p", null, t("api"), el("a", { href: "/api/v1/openapi.json" }, "/api/v1/openapi.json")), el("p", { class: "soft" }, t("times"))),
    el("section", { class: "card" }, el("h2", null, t("privacy")), el("p", null, t("privacyWhat"))),
  ];
}
data.still = true;
