// Looks at pages of results in a headless Chromium, as people see them: on a screen, on a telephone, in the dark, on paper.
//   node look.mjs FOLDER    holding report.html pages below it, and comparison.html
// Leaves pictures in FOLDER/pictures. Exits with 1 where something is wrong with a page, each on a line of its own.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { inflateSync } from "node:zlib";
import { withBrowser } from "./browser.mjs";

const [folder] = process.argv.slice(2);
if (folder === undefined || !existsSync(folder)) {
  console.error("look: expected the folder with the pages");
  process.exit(2);
}
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = join(folder, "pictures");
mkdirSync(pictures, { recursive: true });

const problems = [];
let checks = 0;
function check(holds, what) {
  checks += 1;
  if (!holds) {
    problems.push(what);
    console.error(`look: ${what}`);
  }
}

/** Texts in drawings that are smaller than this many pixels cannot be read. */
const LEAST_TEXT = 11;
const SCREENS = [
  { name: "desktop", width: 1440, height: 900 },
  { name: "tablet", width: 900, height: 1100 },
  { name: "phone", width: 390, height: 844, isMobile: true, hasTouch: true },
  { name: "small", width: 320, height: 640, isMobile: true, hasTouch: true },
];

/** A page that says what went wrong in it, and that asks for nothing but itself. */
async function open(browser, file, screen, scheme, hash = "") {
  const page = await browser.newPage();
  await page.setViewport(screen);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  const where = `${file} ${screen.name} ${scheme}${hash}`;
  const url = pathToFileURL(resolve(folder, file)).href;
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) check(false, `${where}: console: ${message.text()}`);
  });
  page.on("pageerror", (error) => check(false, `${where}: ${error}`));
  page.on("request", (request) => check(request.url() === url, `${where}: asks for ${request.url()}`));
  await page.goto(url + hash, { waitUntil: "load" });
  return { page, where };
}

async function barriers(page, where) {
  // The page's own policy refuses further scripts, so this one comes from outside of it.
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  for (const violation of found.violations) {
    const nodes = violation.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ");
    check(false, `${where}: axe: ${violation.id} (${violation.impact}): ${nodes}`);
  }
  check(found.violations.length === 0, `${where}: ${found.violations.length} kinds of barriers`);
}

async function layout(page, where) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  check(wide <= 0, `${where}: ${wide} pixels stick out to the right`);
  const smallest = await page.evaluate(() => {
    const sizes = [];
    for (const text of document.querySelectorAll("svg text")) {
      if (text.getClientRects().length === 0) continue;
      const scale = Math.hypot(text.getScreenCTM().a, text.getScreenCTM().b);
      sizes.push(parseFloat(getComputedStyle(text).fontSize) * scale);
    }
    return sizes.length === 0 ? Infinity : Math.min(...sizes);
  });
  check(smallest >= LEAST_TEXT - 0.05, `${where}: text of ${smallest.toFixed(1)} pixels in a drawing`);
}

/** The three questions are answered before anybody scrolls. */
async function firstScreen(page, where, screen) {
  const bottom = await page.evaluate(() => {
    const values = document.querySelectorAll(".answers .value");
    return { first: values[0]?.getBoundingClientRect().bottom, last: values[values.length - 1]?.getBoundingClientRect().bottom, count: values.length };
  });
  check(bottom.count >= 3, `${where}: ${bottom.count} answers`);
  if (screen.name === "desktop") check(bottom.last <= screen.height, `${where}: the last answer ends at ${bottom.last}`);
  if (screen.name === "phone") check(bottom.first <= screen.height, `${where}: the first answer ends at ${bottom.first}`);
}

async function handling(page, where) {
  const visible = () => page.$$eval("#rows tr", (rows) => rows.filter((row) => row.getClientRects().length > 0).length);
  const all = await page.$$eval("#rows tr", (rows) => rows.length);
  if (all > 40) {
    check((await visible()) === 40, `${where}: ${await visible()} of ${all} homes are shown at first`);
    await page.click("#all");
    check((await visible()) === all, `${where}: ${await visible()} of ${all} homes after the button`);
  }
  const name = await page.$eval("#rows tr:last-child th", (cell) => cell.textContent);
  await page.type("#find", name);
  const found = await page.$$eval("#rows tr", (rows) => rows.filter((row) => row.getClientRects().length > 0).map((row) => row.cells[0].textContent));
  check(found.length >= 1 && found.includes(name), `${where}: looking for ${name} shows ${found}`);
  await page.click("#rows tr:not([hidden]) a");
  await page.waitForFunction(() => !document.getElementById("home").hidden);
  const home = await page.$eval("#home", (place) => ({ title: place.querySelector("h2").textContent, rows: place.querySelectorAll("tbody tr").length }));
  check(home.title === found[0] && home.rows >= 15, `${where}: the page of ${found[0]} is that of ${home.title} with ${home.rows} rows`);
  await layout(page, `${where} home`);
  await barriers(page, `${where} home`);
  await page.evaluate(() => { location.hash = ""; });
  await page.waitForFunction(() => document.getElementById("home").hidden);
  const hinted = await page.evaluate(() => {
    const plot = Array.from(document.querySelectorAll(".plot")).find((element) => element.getClientRects().length > 0);
    plot.focus();
    plot.dispatchEvent(new KeyboardEvent("keydown", { key: "End" }));
    return plot.closest("figure").querySelector(".hint").textContent;
  });
  check(/\d/.test(hinted), `${where}: the hint of a chart says "${hinted}"`);
}

/** Pages of a PDF that Chromium wrote, and those of them on which nothing is drawn. */
function paper(bytes) {
  const text = bytes.toString("latin1");
  const objects = new Map();
  for (const match of text.matchAll(/(?:^|\n)(\d+) 0 obj\s([\s\S]*?)\nendobj/g)) objects.set(match[1], match[2]);
  const pages = Array.from(objects.values()).filter((object) => /\/Type\s*\/Page\b(?!s)/.test(object));
  const blank = pages.filter((page) => {
    const content = objects.get(/\/Contents (\d+) 0 R/.exec(page)?.[1]) ?? "";
    const begin = content.indexOf("stream") + "stream".length;
    const raw = Buffer.from(content.slice(begin).replace(/^\r?\n/, ""), "latin1");
    const drawn = /FlateDecode/.test(content) ? inflateSync(raw, { finishFlush: 2 }).toString("latin1") : content;
    return !/(?:Tj|TJ)\b/.test(drawn);
  });
  return { count: pages.length, blank: blank.length };
}

async function print(browser, file, name) {
  const { page, where } = await open(browser, file, SCREENS[0], "light");
  const bytes = Buffer.from(await page.pdf({ format: "A4", preferCSSPageSize: true, printBackground: true }));
  writeFileSync(join(pictures, `${name}.pdf`), bytes);
  const { count, blank } = paper(bytes);
  check(count > 0 && blank === 0, `${where}: ${blank} of ${count} pages of paper are blank`);
  // What is wider than the sheet would be cut: 210 mm less two margins of 14 mm.
  await page.emulateMediaType("print");
  await page.setViewport({ width: Math.floor((182 / 25.4) * 96), height: 1000 });
  const cut = await page.evaluate(() => {
    const wide = (element) => element.getClientRects().length > 0 && element.getBoundingClientRect().right > window.innerWidth + 1;
    return Array.from(document.querySelectorAll("main *")).filter(wide).slice(0, 3).map((element) => `${element.tagName} ${element.className}`);
  });
  check(cut.length === 0, `${where}: paper cuts off ${cut.join(", ")}`);
  await page.close();
  return count;
}

await withBrowser(async (browser) => {
  const files = ["street", "large", "still"].map((name) => `${name}/report.html`).concat(["comparison.html"]);
  for (const file of files) {
    const name = file.replace("/report.html", "").replace(".html", "");
    check(existsSync(join(folder, file)), `${file} is missing`);
    for (const screen of SCREENS) {
      for (const scheme of ["light", "dark"]) {
        // Of a large page one scheme tells all that is new.
        if (name === "large" && (scheme === "dark" || screen.name === "small")) continue;
        const { page, where } = await open(browser, file, screen, scheme);
        await layout(page, where);
        if (name === "street" || name === "large") await firstScreen(page, where, screen);
        await page.screenshot({ path: join(pictures, `${name}-${screen.name}-${scheme}.png`) });
        if (name === "street" && ["desktop", "phone"].includes(screen.name)) {
          await page.screenshot({ path: join(pictures, `${name}-${screen.name}-${scheme}-full.png`), fullPage: true });
        }
        await barriers(page, where);
        if (scheme === "light" && (name === "street" || name === "large")) await handling(page, where);
        await page.close();
      }
    }
    const sheets = await print(browser, file, name);
    console.log(`${file}: ${SCREENS.length} screens, ${sheets} pages on paper`);
  }
});
console.log(`${checks} checks, ${problems.length} failed; pictures are in ${pictures}`);
process.exit(problems.length === 0 ? 0 : 1);
