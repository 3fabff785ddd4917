// Drives Chromium for the end-to-end tests. It reads one request a line from its
// input, {"n": 1, "do": "visit", ...}, and writes one answer a line. Nothing here
// judges what it sees: the tests do.
import { chromium } from "playwright-core";
import { createInterface } from "node:readline";

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  headless: true,
  args: [
    "--no-sandbox", // root has none, and it is in namespaces of its own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

const tabs = new Map();

// watch writes down what a page does: what it asks for, what it complains of,
// and what its policy stops.
async function watch(page) {
  const seen = { requests: [], complaints: [], dialogs: [], popups: 0 };
  page.on("request", (r) => seen.requests.push(r.url()));
  page.on("requestfailed", (r) => seen.complaints.push(`request failed: ${r.url()}: ${r.failure()?.errorText}`));
  page.on("console", (m) => {
    if (m.type() === "error" || m.type() === "warning") seen.complaints.push(`console: ${m.text()}`);
  });
  page.on("pageerror", (e) => seen.complaints.push(`error: ${e.message}`));
  page.on("popup", () => seen.popups++);
  page.on("dialog", (d) => {
    seen.dialogs.push(d.message());
    d.dismiss();
  });
  await page.exposeFunction("violated", (text) => seen.complaints.push(`policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (e) => {
      window.violated(`${e.effectiveDirective} ${e.blockedURI} ${e.sample}`);
    });
  });
  return seen;
}

const commands = {
  // tab opens a tab with storage of its own.
  async tab({ dark, width, height, script }) {
    const context = await browser.newContext({
      colorScheme: dark ? "dark" : "light",
      viewport: { width: width || 1000, height: height || 800 },
      javaScriptEnabled: script !== false,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const id = tabs.size + 1;
    tabs.set(id, { page, seen: await watch(page) });
    return id;
  },
  async visit({ page, url }) {
    const answer = await page.goto(url);
    return describe(page, answer);
  },
  async click({ page, selector }) {
    await page.click(selector);
  },
  async fill({ page, selector, text }) {
    await page.fill(selector, text);
  },
  async press({ page, key }) {
    await page.keyboard.press(key);
  },
  async eval({ page, script }) {
    return (await page.evaluate(script)) ?? null;
  },
  async picture({ page, file }) {
    await page.screenshot({ path: file, fullPage: true });
  },
  async seen({ seen }) {
    return seen;
  },
};

// describe is where a visit led: the status of each step, and of the last.
async function describe(page, answer) {
  const steps = [];
  for (let r = answer.request().redirectedFrom(); r; r = r.redirectedFrom()) {
    steps.unshift({ url: r.url(), status: (await r.response()).status() });
  }
  return { url: page.url(), status: answer.status(), headers: await answer.allHeaders(), steps };
}

function say(line) {
  process.stdout.write(JSON.stringify(line) + "\n");
}

say({ event: "ready" });
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  try {
    const tab = tabs.get(request.tab);
    say({ n: request.n, ok: (await commands[request.do]({ ...tab, ...request })) ?? null });
  } catch (e) {
    say({ n: request.n, error: "failed", text: String(e.message ?? e) });
  }
}
await browser.close();
