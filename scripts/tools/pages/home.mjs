// Opens the page of a running agent in a headless Chromium, as its owner would: every view, on a desk and in the hand, by
// day and by night, in both languages; and does what an owner does.
//   node home.mjs URL AGENT FOLDER PICTURES [--live] [--quick] [--times | --pictures]
// AGENT and FOLDER: the program and the home's folder. --live: its chain runs and neighbours trade. --quick: one look a view.
// --node=PID: the chain's node, which is halted for a while to see that the page works without it.
// --pictures: only takes those of docs/page.md, into PICTURES.
// --times: only measures how long each view takes until its content is there, and prints a table.
// Exits with 1 where something is wrong, each on a line of its own.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { withBrowser } from "./browser.mjs";
import { closer } from "./closely.mjs";
import { LOADS, visit } from "./visit.mjs";

const [url, agent, folder, pictures, ...options] = process.argv.slice(2);
if (pictures === undefined) {
  console.error("home: expected URL, AGENT, FOLDER and PICTURES");
  process.exit(2);
}
const [live, quick, times, shots] = ["--live", "--quick", "--times", "--pictures"].map((option) => options.includes(option));
const node = Number(options.find((option) => option.startsWith("--node="))?.slice(7) ?? 0);
mkdirSync(pictures, { recursive: true });

const { check, open, shown, look, measure, row, end } = visit({
  name: "home",
  url,
  // That the chain is away, a trade has lapsed, or nobody is signed in, is an answer and no fault of the page.
  allowed: (text) => /status of (401|404|503)/.test(text),
  untold: ["told", "do", "alert", "error", "fate", "reached", "until"],
});

/** What a limit allows beyond what was bought, Wh. */
const ALLOWED_WH = 20;
const VIEWS = ["now", "money", "energy", "trades", "offers", "market", "limits", "approvals", "alerts", "access"];
const SCREENS = [
  { name: "desktop", width: 1280, height: 900 },
  { name: "phone", width: 390, height: 844, isMobile: true, hasTouch: true },
  { name: "small", width: 320, height: 640, isMobile: true, hasTouch: true },
];

/** A command of the owner, as an object. */
function command(...words) {
  try {
    return JSON.parse(execFileSync(agent, [...words, "--json"], { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }));
  } catch (error) {
    // Who waits for the chain ends with 1, and has said everything.
    return JSON.parse(error.stdout);
  }
}

async function go(page, view) {
  await page.evaluate((view) => { location.hash = `#/${view}`; }, view);
  await shown(page, view);
}

/** Presses what is there in that moment: the page may draw it anew between a look and a click. */
const press = (page, what) => page.$eval(what, (button) => button.click());

const closely = closer({ url, pictures, check, open, shown, look, go, press, SCREENS });

/** Signs a browser in with a code of the command. */
async function signIn(page, viewer = false) {
  const { code } = command("pair", ...(viewer ? ["--viewer"] : []));
  await page.goto(url, { waitUntil: "load" });
  await shown(page, "sign-in");
  await page.type("#code", code);
  await press(page, "form:has(#code) button");
  await begins(page);
  await go(page, "now");
}

/** Who only buys begins with the offers. */
const begins = (page) => page.waitForFunction(() => ["now", "offers"].includes(document.querySelector("main").dataset.view));

async function looks(context) {
  for (const screen of SCREENS) {
    for (const scheme of ["light", "dark"]) {
      for (const language of ["en", "de"]) {
        // The smallest screen tells nothing new by night; quickly, one look at each view is enough.
        if (screen.name === "small" && (scheme === "dark" || language === "en")) continue;
        if (quick && (scheme === "dark" || language === "de" || screen.name === "small")) continue;
        const place = `${screen.name} ${scheme} ${language}`;
        const page = await open(context, screen, scheme, language, place);
        await page.goto(`${url}/#/now`, { waitUntil: "load" });
        await shown(page, "now");
        for (const view of VIEWS) {
          await go(page, view);
          const where = `${view} ${place}`;
          await look(page, where);
          const picture = join(pictures, `${live ? "live-" : ""}${view}-${screen.name}-${scheme}-${language}.png`);
          await page.screenshot({ path: picture, fullPage: true });
        }
        await page.close();
      }
    }
  }
}

/** With the keyboard alone: to the content, to a view, to the button that stops. */
async function byKeyboard(page) {
  await page.goto(url, { waitUntil: "load" });
  await begins(page);
  await page.evaluate(() => document.activeElement.blur());
  const seen = [];
  for (let presses = 0; presses < 20; presses += 1) {
    await page.keyboard.press("Tab");
    seen.push(await page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute("href") || document.activeElement.tagName));
  }
  check(seen.includes("pause") && seen.includes("#/limits"), `keyboard: reaches ${seen}`);
  await page.focus("#pause");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("#state").classList.contains("paused"));
  check(command("policy", "get").paused === true, "keyboard: the agent is not paused");
  const focused = await page.evaluate(() => document.activeElement.id);
  check(focused === "pause", `keyboard: after pausing the focus is on "${focused}"`);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => !document.querySelector("#state").classList.contains("paused"));
  check(command("policy", "get").paused === false, "keyboard: the agent stays paused");
}

async function changesALimit(page) {
  await go(page, "limits");
  const put = async (id, value) => {
    await page.$eval(id, (input) => { input.value = ""; });
    await page.type(id, value);
  };
  await put("#max_buy_price", "0.19");
  await press(page, "#preview");
  await page.waitForSelector("#previewed");
  await put("#max_spend_per_day", "one");
  await press(page, "#save");
  await page.waitForFunction(() => /0[.,]30/.test(document.querySelector("#said").textContent));
  await put("#max_spend_per_day", "2.5");
  await put("#hours-from", "6");
  await put("#hours-to", "22");
  await press(page, "#save");
  await page.waitForFunction(() => /saved and hold/.test(document.querySelector("#said").textContent));
  const policy = command("policy", "get");
  check(policy.max_buy_price === 190_000 && policy.max_spend_per_day === 2_500_000, `limits: the agent has ${JSON.stringify(policy)}`);
  check(policy.hours !== null && (policy.hours.to - policy.hours.from + 24) % 24 === 16, `limits: hours ${JSON.stringify(policy.hours)}`);
  for (const id of ["#max_buy_price", "#max_spend_per_day", "#hours-from", "#hours-to"]) await page.$eval(id, (input) => { input.value = ""; });
  await press(page, "#save");
  await page.waitForFunction(() => /saved and hold/.test(document.querySelector("#said").textContent));
  const free = command("policy", "get");
  check(free.max_buy_price === undefined || free.max_buy_price === null, "limits: an empty field is no limit");
  // What was changed, by whom.
  await go(page, "now");
  await go(page, "limits");
  await page.waitForFunction(() => Array.from(document.querySelectorAll("#changes tbody tr"), (row) => row.innerText).some((text) => /0[.,]19/.test(text) && /this page|diese Seite/.test(text)));
  const noted = command("policy", "history").flatMap((change) => change.keys.map((key) => [change.by, key.key, key.after]));
  check(noted.some(([by, key, after]) => by === "page" && key === "max_spend_per_day" && after === 2_500_000), `limits: the history says ${JSON.stringify(noted)}`);
}

async function looksBack(page) {
  await go(page, "money");
  const title = () => page.$eval("#period", (element) => element.textContent);
  const first = await title();
  await press(page, "#earlier");
  await page.waitForFunction((first) => document.querySelector("#period")?.textContent !== first, {}, first);
  for (const kind of ["day", "week", "year"]) {
    await press(page, `#kind-${kind}`);
    await page.waitForFunction((kind) => document.querySelector(`#kind-${kind}`)?.getAttribute("aria-pressed") === "true" && !document.querySelector("main").hasAttribute("aria-busy"), {}, kind);
    await look(page, `money by ${kind}`);
  }
  await go(page, "trades");
  const rows = () => page.$$eval("tbody tr", (rows) => rows.length);
  const before = await rows();
  if (before === 50) {
    await press(page, "#older");
    await page.waitForFunction((before) => document.querySelectorAll("tbody tr").length > before, {}, before);
    await page.select("#side", "sold");
    await press(page, "form button[type=submit]");
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length <= 50 && document.querySelectorAll(".pill.bought").length === 0);
  }
  // What a row tells agrees: energy times price and the charge come to the money, as far as digits are shown.
  const off = await page.$$eval("tbody tr", (rows) => rows.map((row) => {
    const shown = Array.from(row.cells, (cell) => Number(/[\d,]+\.\d+/.exec(cell.textContent)?.[0].replaceAll(",", "") ?? 0));
    const [energy, money, price, charge] = shown.slice(2, 6);
    return { text: row.innerText, far: Math.abs(energy * price + charge - money) > 0.0006 + energy * 0.0006 + price * 0.0006, priced: energy > 0 && price > 0 };
  }).filter((row) => row.far || !row.priced).map((row) => row.text));
  check(before > 0 && off.length === 0, `trades: ${off.length} of ${before} rows do not add up, such as ${off[0]}`);
  const csv = await page.$eval("#export", (link) => fetch(link.href).then((answer) => answer.text()));
  check(csv.startsWith("closed_at,window,") && csv.split("\r\n").length > before, `trades: the export has ${csv.split("\r\n").length} lines`);
}

/** A second device, which may look and not change. */
async function pairs(browser, page) {
  await go(page, "access");
  await press(page, "#pair-viewer");
  await page.waitForSelector("#code");
  const code = await page.$eval("#code", (element) => element.textContent);
  const context = await browser.createBrowserContext();
  const other = await open(context, SCREENS[1], "light", "en", "viewer");
  await other.goto(url, { waitUntil: "load" });
  await shown(other, "sign-in");
  await look(other, "sign in");
  await other.screenshot({ path: join(pictures, `${live ? "live-" : ""}sign-in-phone.png`), fullPage: true });
  await other.type("#code", "00000000");
  await press(other, "form:has(#code) button");
  await other.waitForSelector("main .alert");
  await look(other, "signing in fails");
  await other.$eval("#code", (input) => { input.value = ""; });
  await other.type("#code", code);
  await press(other, "form:has(#code) button");
  await begins(other);
  check((await other.$("#pause")) === null, "viewer: has the button that stops trading");
  await go(other, "limits");
  check(await other.$eval("#max_buy_price", (input) => input.disabled), "viewer: may write limits");
  await go(other, "access");
  await press(other, "#sign-out");
  await shown(other, "sign-in");
  await context.close();
}

const started = Date.now();
/** Says what took how long: a slow step is to be seen. */
const passed = (what) => live && console.log(`home: ${what}: ${((Date.now() - started) / 1000).toFixed(0)} s after the start`);

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks until there is an answer, for so many minutes at most. */
async function until(minutes, found) {
  const deadline = Date.now() + minutes * 60_000;
  let answer = await found();
  while (!answer && Date.now() < deadline) {
    await rest(400);
    answer = await found();
  }
  return answer;
}

/** What the interface answers to the page. */
const told = (page, path) => page.evaluate((path) => fetch(`/api/v1/${path}`).then((answer) => answer.json()), path);

/** All that was bought so far, Wh. */
const bought = async (page) => (await told(page, "energy?edges=0,4000000000")).spans[0].bought;

const saysSaved = (page) => page.waitForFunction(() => /saved and hold/.test(document.querySelector("#said").textContent));

async function setLimit(page, id, value) {
  await go(page, "limits");
  await page.$eval(id, (input) => { input.value = ""; });
  if (value !== "") await page.type(id, value);
  await page.$eval("#said", (said) => { said.textContent = ""; });
  await press(page, "#save");
  await saysSaved(page);
}

async function pauses(page, paused) {
  const is = await page.evaluate(() => document.querySelector("#state").classList.contains("paused"));
  if (is !== paused) await press(page, "#pause");
  await page.waitForFunction((paused) => document.querySelector("#state").classList.contains("paused") === paused, {}, paused);
}

/** With a live market: paused, the home buys nothing. `meanwhile`: what else is looked at. */
async function obeysThePause(page, meanwhile) {
  const window = (await told(page, "status")).window_seconds * 1000;
  check(await until(6, async () => (await bought(page)) > 0), "nothing was bought within six minutes");
  passed("the first purchase");
  await pauses(page, true);
  // What was agreed before is still settled.
  await rest(0.4 * window);
  const before = await bought(page);
  const begun = Date.now();
  await meanwhile();
  await rest(Math.max(0, 1.2 * window - (Date.now() - begun)));
  const more = (await bought(page)) - before;
  check(more === 0, `paused: ${more} Wh were bought all the same`);
  passed("a pause obeyed");
}

/**
 * With a live market: it goes on with a limit that is set on the page, and asking before each trade; one is accepted, made,
 * and no more is bought than the limit allows. `meanwhile`: what else is looked at.
 */
async function obeysALimit(page, meanwhile) {
  // Limits of a day begin anew at midnight UTC.
  const left = 86_400 - (Date.now() / 1000) % 86_400;
  if (left < 600) await rest((left + 5) * 1000);
  const total = await bought(page);
  await setLimit(page, "#max_buy_wh_per_day", String((total + ALLOWED_WH) / 1000));
  await go(page, "approvals");
  await press(page, "#ask-me");
  check(await until(1, () => command("policy", "get").manual_approval === true), "approvals: the agent does not ask");
  await pauses(page, false);
  const waiting = () => page.evaluate(() => document.querySelector("[id^=accept-]")?.id ?? null);
  const first = await until(4, waiting);
  check(first !== null, "approvals: nothing waited within four minutes");
  if (first !== null) await page.screenshot({ path: join(pictures, "live-approval-desktop.png"), fullPage: true });
  passed("a trade waits");
  // One may lapse meanwhile, and a seller may say no: each that waits is accepted at once.
  let accepted = 0;
  const made = await until(6, async () => {
    const id = await waiting();
    if (id !== null) {
      await page.evaluate((id) => document.getElementById(id)?.click(), id);
      await page.waitForFunction((id) => document.getElementById(id) === null, {}, id);
      if (await page.evaluate(() => /Accepted/.test(document.querySelector("#said").textContent))) accepted += 1;
    }
    return (await bought(page)) > total;
  });
  check(accepted > 0, "approvals: nothing was accepted in time");
  check(made === true, "approvals: nothing that was accepted was traded within six minutes");
  passed("a trade accepted and made");
  await go(page, "approvals");
  await press(page, "#ask-me");
  check(await until(1, () => command("policy", "get").manual_approval === false), "approvals: the agent still asks");
  const window = (await told(page, "status")).window_seconds * 1000;
  const begun = Date.now();
  await meanwhile();
  await rest(Math.max(0, 1.2 * window - (Date.now() - begun)));
  const after = (await bought(page)) - total;
  check(after > 0 && after <= ALLOWED_WH, `limits: ${after} Wh were bought, ${ALLOWED_WH} were allowed`);
  passed("a limit obeyed");
  // Fees are noted a moment after they are spent.
  const fees = async () => (await told(page, "money?edges=0,4000000000")).spans[0].fees;
  check(await until(1, async () => (await fees()) > 0), "money: no fees are told");
  await setLimit(page, "#max_buy_wh_per_day", "");
  if (quick) return;
  check(await until(4, async () => (await bought(page)) > total + ALLOWED_WH), "limits: nothing more was bought without the limit");
  passed("trading without the limit");
}

/** The chain stands: pausing works all the same, and unless it has to be quick, that it stands is said, too. */
async function withoutTheChain(page) {
  await go(page, "now");
  process.kill(node, "SIGSTOP");
  try {
    if (!quick) {
      const kinds = async () => (await told(page, "alerts")).now.map((alert) => alert.kind);
      check(await until(3, async () => (await kinds()).includes("chain")), "without the chain: nothing is said of it within three minutes");
      await page.waitForFunction(() => document.querySelector("#state").classList.contains("trouble"), { timeout: 15_000 });
    }
    await pauses(page, true);
    check(command("policy", "get").paused === true, "without the chain: the agent is not paused");
    if (!quick) {
      await go(page, "alerts");
      await look(page, "alerts without the chain");
      await page.screenshot({ path: join(pictures, "live-alerts-without-chain-desktop.png"), fullPage: true });
      await go(page, "market");
      await look(page, "market without the chain");
    }
    await pauses(page, false);
  } finally {
    process.kill(node, "SIGCONT");
  }
  passed("without the chain");
}

/** How long each view takes from the browser's first request until its content is there, ms. */
async function measures(page) {
  await measure(page, VIEWS);
  // The year of windows is behind a button.
  const turned = (kind) => page.evaluate((kind) => new Promise((resolve) => {
    const begun = performance.now();
    const there = () => document.querySelector(`#kind-${kind}`)?.getAttribute("aria-pressed") === "true" && !document.querySelector("main").hasAttribute("aria-busy");
    const seen = new MutationObserver(() => {
      if (!there()) return;
      seen.disconnect();
      resolve(performance.now() - begun);
    });
    seen.observe(document, { subtree: true, childList: true, attributes: true });
    document.querySelector(`#kind-${kind}`).click();
  }), kind);
  for (const view of ["money", "energy"]) {
    await go(page, view);
    const took = [];
    for (let load = 0; load < LOADS; load += 1) {
      await turned("day");
      took.push(await turned("year"));
    }
    row(`${view}, a year`, took);
  }
}

/** The pictures of docs/page.md. */
async function takes(context) {
  for (const [name, view, screen] of [["now", "now", SCREENS[0]], ["money", "money", SCREENS[0]], ["limits", "limits", SCREENS[0]], ["phone", "now", SCREENS[1]]]) {
    if (live && view !== "now") continue;
    const page = await open(context, { ...screen, height: name === "phone" ? 844 : 800 }, "light", "en", name);
    await page.goto(`${url}/#/now`, { waitUntil: "load" });
    await shown(page, "now");
    await go(page, view);
    await page.screenshot({ path: join(pictures, `home-${name}.png`) });
    await page.close();
  }
}

await withBrowser(async (browser) => {
  const context = await browser.createBrowserContext();
  const page = await open(context, SCREENS[0], "light", "en", "owner");
  await signIn(page);
  if (times) return measures(page);
  if (shots) return takes(context);
  if (live) {
    await obeysThePause(page, async () => { await changesALimit(page); await pairs(browser, page); });
    await obeysALimit(page, () => looks(context));
    await looksBack(page);
    if (!quick) await byKeyboard(page);
    if (node > 0) await withoutTheChain(page);
  } else {
    await looks(context);
    await closely.all(context, page);
    await byKeyboard(page);
    await changesALimit(page);
    await looksBack(page);
    await pairs(browser, page);
  }
  await context.close();
});
end(pictures);
