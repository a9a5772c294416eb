// What every visit of a page in a browser shares: opening it so that nothing wrong goes unseen, looking at what is shown, measuring loads.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Loads of a view that are measured. */
export const LOADS = Number(process.env.WATTPOOL_LOADS ?? 100);
/** 95 of 100 loads of a view show its content within this, ms. */
const WITHIN = 200;

/**
 * A visit of the page at an address.
 * `name`: whose complaints these are. `allowed(text)`: what the console may say. `untold`: names of texts, whose sight means that a text is missing.
 */
export function visit({ name, url, allowed = () => false, untold }) {
  const problems = [];
  let checks = 0;
  const check = (holds, what) => {
    checks += 1;
    if (holds) return;
    problems.push(what);
    console.error(`${name}: ${what}`);
  };

  /** A page that says what went wrong in it, and that asks nobody but its server. */
  async function open(context, screen, scheme, language, where) {
    const page = await context.newPage();
    await page.setViewport(screen);
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.evaluateOnNewDocument((chosen) => localStorage.setItem("language", chosen), language);
    page.on("pageerror", (error) => check(false, `${where}: ${error}`));
    page.on("console", (message) => {
      if (["error", "warn"].includes(message.type()) && !allowed(message.text())) check(false, `${where}: console: ${message.text()}`);
    });
    page.on("request", (request) => check(request.url().startsWith(url) || /^(data|blob):/.test(request.url()), `${where}: asks for ${request.url()}`));
    return page;
  }

  /** Until a view shows its content. */
  const shown = (page, view) => page.waitForFunction((view) => {
    const main = document.querySelector("main");
    return main.dataset.view === view && !main.hasAttribute("aria-busy");
  }, { timeout: 30_000 }, view);

  /** What no page may do: stick out, be too small, show what is meant for programs, keep somebody out. */
  async function look(page, where) {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    check(wide <= 0, `${where}: ${wide} pixels stick out to the right`);
    const small = await page.evaluate(() => Array.from(document.querySelectorAll("svg text")).filter((text) => {
      const scale = Math.hypot(text.getScreenCTM().a, text.getScreenCTM().b);
      return parseFloat(getComputedStyle(text).fontSize) * scale < 10.5;
    }).length);
    check(small === 0, `${where}: ${small} texts of a drawing are too small`);
    const raw = `\\{\\w+\\}|undefined|NaN|\\[object|\\b(?:${untold.join("|")})_\\w+`;
    const found = await page.evaluate((raw) => Array.from(document.body.innerText.matchAll(new RegExp(raw, "g")), (match) => match[0]), raw);
    check(found.length === 0, `${where}: shows ${found}`);
    await page.evaluate(axe);
    const judged = await page.evaluate((RULES) => globalThis.axe.run(document, { runOnly: RULES, resultTypes: ["violations"] }), RULES);
    for (const violation of judged.violations) {
      const nodes = violation.nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ");
      check(false, `${where}: axe: ${violation.id} (${violation.impact}): ${nodes}`);
    }
  }

  const row = (view, took) => {
    took.sort((a, b) => a - b);
    const at = (share) => took[Math.min(took.length - 1, Math.ceil(took.length * share) - 1)];
    console.log(`| ${view} | ${[0.5, 0.95, 1].map((share) => at(share).toFixed(0)).join(" | ")} |`);
    check(at(0.95) <= WITHIN, `${view}: 95 of ${took.length} loads take up to ${at(0.95).toFixed(0)} ms; expected ${WITHIN}`);
  };

  /** How long views take from the browser's first request until their content is there, as a table. `places`: what stands behind #/ in addresses. */
  async function measure(page, places) {
    await page.evaluateOnNewDocument(() => {
      const there = () => {
        const main = document.querySelector("main");
        if (globalThis.shownAfter === undefined && main?.dataset.view && !main.hasAttribute("aria-busy")) globalThis.shownAfter = performance.now();
      };
      new MutationObserver(there).observe(document, { subtree: true, childList: true, attributes: true });
    });
    console.log("| view | median, ms | 95 of 100, ms | longest, ms |\n|---|---|---|---|");
    for (const place of places) {
      const view = place.split(/[/?]/)[0];
      const took = [];
      for (let load = 0; load < LOADS; load += 1) {
        await page.evaluate((place) => { location.hash = `#/${place}`; }, place);
        await page.reload({ waitUntil: "load" });
        await page.waitForFunction((view) => globalThis.shownAfter !== undefined && document.querySelector("main").dataset.view === view, {}, view);
        took.push(await page.evaluate(() => globalThis.shownAfter));
      }
      row(place.replace(/[0-9a-f]{32}/, "…"), took);
    }
  }

  /** Says how it went, and ends. */
  function end(pictures) {
    console.log(`${checks} checks, ${problems.length} failed; pictures are in ${pictures}`);
    process.exit(problems.length === 0 ? 0 : 1);
  }

  return { check, open, shown, look, measure, row, end };
}
