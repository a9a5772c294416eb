// A headless Chromium with a profile of its own, for as long as it is used.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

/** Where the browser is: CHROMIUM, or where packages put it. None: nowhere. */
function found() {
  const candidates = ["chromium", "chromium-browser", "google-chrome"].map((name) => `/usr/bin/${name}`);
  return process.env.CHROMIUM ?? candidates.find((path) => existsSync(path));
}

/** Does something with a browser, which ends with it and leaves nothing behind. */
export async function withBrowser(work) {
  const executablePath = found();
  if (executablePath === undefined) {
    console.error("no Chromium; on Debian: apt-get install chromium, or name one in CHROMIUM");
    process.exit(2);
  }
  const userDataDir = mkdtempSync(join(tmpdir(), "wattpool-pages-"));
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await puppeteer.launch({ executablePath, userDataDir, headless: true, args });
  try {
    return await work(browser);
  } finally {
    await browser.close();
    rmSync(userDataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}
