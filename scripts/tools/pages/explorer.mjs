// Opens a running explorer in a headless Chromium, as a regulator would: every view, on a desk and in the hand, by day and by night, in both
// languages; searches, pages, looks at a trade; compares figures with those of the audit.
//   node explorer.mjs URL PROGRAM FOLDER PICTURES [--chain] [--times | --pictures]
// FOLDER: where the market's file is (run/chain.jsonl). --pictures: only takes those of docs/regulator.md, into PICTURES.
// --chain: the explorer follows a chain, of which that file is an export. --times: only measures how long each view takes from the browser's first
// request until its content is there, 100 loads of each; prints a table.
// Exits with 1 where something is wrong, each on a line of its own.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { withBrowser } from "./browser.mjs";
import { visit } from "./visit.mjs";

const [url, program, folder, pictures, ...options] = process.argv.slice(2);
if (pictures === undefined) {
  console.error("explorer: expected URL, PROGRAM, FOLDER and PICTURES");
  process.exit(2);
}
const [times, shots, chain] = ["--times", "--pictures", "--chain"].map((option) => options.includes(option));
mkdirSync(pictures, { recursive: true });

const { check, open, shown, look: see, measure, end } = visit({ name: "explorer", url, untold: ["kind", "check", "order", "by"] });

const ask = async (path) => (await fetch(`${url}/api/v1/${path}`)).json();
const run = (...words) => promisify(execFile)(program, words, { encoding: "utf8", maxBuffer: 1 << 28 });
const audit = async (word) => JSON.parse((await run("audit", word, join(folder, "run"), "--json")).stdout);
/** An object whose keys stand in their order. */
const sorted = (object) => JSON.stringify(Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1))));

const SCREENS = [
  { name: "desktop", width: 1280, height: 900 },
  { name: "phone", width: 390, height: 844, isMobile: true, hasTouch: true },
];

async function go(page, hash) {
  const view = hash.split(/[/?]/)[0];
  await page.evaluate((hash) => { delete document.querySelector("main").dataset.view; location.hash = `#/${hash}`; }, hash);
  await shown(page, view);
}

async function look(page, where) {
  const alerts = await page.evaluate(() => Array.from(document.querySelectorAll("main .alert"), (alert) => alert.innerText));
  check(alerts.length === 0, `${where}: ${alerts}`);
  // What strangers wrote is a text.
  const taken = await page.evaluate(() => document.title === "taken" || document.querySelector("main img, main script") !== null);
  check(!taken, `${where}: a stranger's text became part of the page`);
  await see(page, where);
}

/** Until the file is read to its end; a chain has been waited for. */
async function indexed() {
  for (let tries = 0; tries < 600; tries += 1) {
    const status = await ask("status");
    if (status.complete || chain) return status;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("the file is not indexed after two minutes");
}

async function views() {
  const { trades } = await ask("trades?limit=1");
  const { open: disputed } = await ask("disputes");
  return ["now", "now?every=window", "windows", "trades", "trades?sort=price", `trade/${trades[0].sequence}`, "meters", `meter/${trades[0].seller}`, `meter/${disputed[0].meter}`, "concentration", "money", "disputes", "operator", ...(chain ? ["validators"] : []), "data"];
}

async function looks(context, all) {
  for (const screen of SCREENS) {
    for (const [scheme, language] of [["light", "en"], ["dark", "de"]]) {
      const place = `${screen.name} ${scheme} ${language}`;
      const page = await open(context, screen, scheme, language, place);
      await page.goto(url, { waitUntil: "load" });
      await shown(page, "now");
      for (const hash of all) {
        await go(page, hash);
        await look(page, `${hash} ${place}`);
        await page.screenshot({ path: join(pictures, `${hash.replace(/[/?=]/g, "-").slice(0, 24)}-${screen.name}-${scheme}-${language}.png`), fullPage: true });
      }
      await page.close();
    }
  }
}

/** What a regulator does: searches, turns pages, opens a trade from the list, with the keyboard where that is enough. */
async function searches(page) {
  await page.goto(`${url}/#/trades`, { waitUntil: "load" });
  await shown(page, "trades");
  const rows = () => page.$$eval("tbody tr", (rows) => rows.length);
  check((await rows()) === 50, `trades: the first page has ${await rows()}`);
  await page.focus("#older");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 100);
  const numbers = await page.$$eval("tbody tr td:first-child", (cells) => cells.map((cell) => cell.textContent));
  check(new Set(numbers).size === 100, "trades: a trade stands twice on two pages");
  const meter = await page.$eval("tbody tr:nth-child(3) td:nth-child(3) a", (link) => link.title);
  await page.type("#meter", meter.slice(0, 6).toUpperCase());
  await page.select("#sort", "energy");
  await page.evaluate(() => { delete document.querySelector("main").dataset.view; });
  await page.click("#search");
  await shown(page, "trades");
  const found = await page.$$eval("tbody tr", (rows) => rows.map((row) => [row.children[2].firstChild.title, row.children[3].firstChild.title]));
  check(found.length > 0 && found.every((pair) => pair.some((id) => id.startsWith(meter.slice(0, 6)))), `trades: a search for ${meter.slice(0, 6)} finds ${JSON.stringify(found.slice(0, 3))}`);
  await page.evaluate(() => { delete document.querySelector("main").dataset.view; });
  await page.click("tbody tr td:first-child a");
  await shown(page, "trade");
  const held = await page.$$eval(".pill", (pills) => pills.map((pill) => pill.textContent));
  check(held.length === 4 && held.every((text) => text === "holds"), `trade: its checks say ${held}`);
  await page.goBack();
  await shown(page, "trades");
  check(new URL(page.url()).hash.includes(meter.slice(0, 6)), `trades: the way back leads to ${page.url()}`);
  await page.goto(`${url}/#/now`, { waitUntil: "load" });
  await page.reload({ waitUntil: "load" });
  await shown(page, "now");
  const seen = [];
  for (let presses = 0; presses < 20; presses += 1) {
    await page.keyboard.press("Tab");
    seen.push(await page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute("href") || document.activeElement.tagName));
  }
  check(["#/now", "#/trades", "#/data"].every((link) => seen.includes(link)), `keyboard: reaches ${seen}`);
}

/** Figures are those of the audit, and files are signed by the auditor. */
async function figures(status) {
  const [verified, market, trades] = await Promise.all(["verify", "market", "trades"].map(audit));
  // A chain goes on, and of its state the explorer compares less than an export holds.
  if (chain) for (const totals of [status.totals, verified.totals]) for (const key of ["last_height", "states"]) delete totals[key];
  check(sorted(status.totals) === sorted(verified.totals), `totals: ${JSON.stringify(status.totals)}, and audit verify says ${JSON.stringify(verified.totals)}`);
  check(status.violations === 0 && verified.violations === 0, `violations: ${status.findings}`);
  const shownMarket = await ask("market");
  check(sorted(shownMarket.total) === sorted(market.market.total), "market: not what audit market says");
  const listed = await (await fetch(`${url}/api/v1/export?what=trades&form=json`)).json();
  const by = (list) => JSON.stringify(list.map((t) => [t.sequence, t.arrived, t.paid, t.price, t.buyer, t.seller]).sort((a, b) => a[0] - b[0]));
  const all = trades.trades;
  check(by(listed) === by(all), `trades: ${listed.length}, and audit trades lists ${all.length} others`);
  const csv = Buffer.from(await (await fetch(`${url}/api/v1/export?what=trades`)).arrayBuffer());
  const signed = await ask("export/signature?what=trades");
  const digest = createHash("sha256").update(csv).digest("hex");
  check(digest === signed.sha256, "export: the signature is of another file");
  writeFileSync(join(folder, "sig.json"), JSON.stringify(signed.signature));
  const verify = (text) => run("wallet", "verify-message", "--address", signed.address, "--signature", join(folder, "sig.json"), text).then((ran) => ran.stdout, (error) => `exit code ${error.code}`);
  check(/signed this message/.test(await verify(digest)), "export: the wallet does not take the signature");
  check((await verify(digest.replace(/.$/, (last) => (last === "0" ? "1" : "0")))) === "exit code 3", "export: a signature of another file is taken");
}

async function takes(context) {
  const { trades } = await ask("trades?limit=1");
  for (const [name, hash, screen] of [["overview", "now", SCREENS[0]], ["trades", "trades", SCREENS[0]], ["trade", `trade/${trades[0].sequence}`, SCREENS[0]], ["phone", "now", SCREENS[1]]]) {
    const page = await open(context, { ...screen, height: name === "phone" ? 844 : 900 }, "light", "en", name);
    await page.goto(url, { waitUntil: "load" });
    await shown(page, "now");
    await go(page, hash);
    await page.screenshot({ path: join(pictures, `explorer-${name}.png`) });
    await page.close();
  }
}

await withBrowser(async (browser) => {
  const status = await indexed();
  const all = await views();
  const context = await browser.createBrowserContext();
  if (shots) return takes(context);
  const page = await open(context, SCREENS[0], "light", "en", "regulator");
  if (times) {
    await page.goto(url, { waitUntil: "load" });
    return await measure(page, all);
  }
  await figures(status);
  await searches(page);
  await looks(context, all);
  await context.close();
});
end(pictures);
