// What must hold on every page: no errors, no secret in an address, nothing kept by scripts, readable on a desk and on a phone, usable by everybody.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SIZES = [["", { width: 1280, height: 800 }], ["-phone", { width: 390, height: 844 }]];
// Browsers report every refused request in their console; what was refused is looked at where it is asked.
const REFUSED = /^Failed to load resource: the server responded with a status of 4\d\d/;

export class Watch {
  constructor(server, shots) {
    this.server = server;
    this.shots = shots;
    this.secrets = [];
    this.verdict = { ok: false, done: [], errors: [], said: {}, seconds: {} };
    this.expect = this.expect.bind(this);
  }

  expect(fulfilled, what) {
    if (!fulfilled) this.verdict.errors.push(`not so: ${what}`);
  }

  // Never to stand in a path or a query, nor in a browser's stores.
  secret(text) {
    this.secrets.push(text);
  }

  over(page) {
    page.on("pageerror", (error) => this.verdict.errors.push(`${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && message.location().url.startsWith(this.server) && !REFUSED.test(message.text())) {
        this.verdict.errors.push(`${page.url()}: ${message.text()}`);
      }
    });
    page.on("request", (request) => {
      const { origin, pathname, search } = new URL(request.url());
      const shown = this.secrets.some((secret) => (pathname + search).includes(secret));
      this.expect(origin !== this.server || !shown, `no secret in an address: ${pathname}`);
    });
    return page;
  }

  async keepsNothing(page) {
    const kept = await page.evaluate(async () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, await indexedDB.databases(), document.cookie]));
    this.expect(kept === '[{},{},[],""]', `scripts keep nothing and see no cookie: ${kept}`);
    const { pathname, search, hash } = new URL(page.url());
    this.expect(!this.secrets.some((secret) => (pathname + search + hash).includes(secret)), "no secret in the address bar once one is in");
  }

  // Pictures in both sizes; on the way, that nothing is wider than the screen and what a checker of accessibility finds.
  async shoot(page, name) {
    for (const [more, size] of SIZES) {
      await page.setViewportSize(size);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      this.expect(overflow <= 0, `${name} without sideways scrolling at ${size.width} px: ${overflow}`);
      await this.audit(page, `${name}${more}`);
      await page.screenshot({ path: join(this.shots, `${name}${more}.png`) });
    }
    await page.setViewportSize(SIZES[0][1]);
  }

  async audit(page, name) {
    await page.evaluate(AXE);
    const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
    for (const { id, impact, nodes } of found.violations.filter((one) => ["serious", "critical", "moderate"].includes(one.impact))) {
      this.verdict.errors.push(`${name}: ${impact} ${id} at ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
    }
  }
}
