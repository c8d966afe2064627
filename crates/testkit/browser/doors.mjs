// The console's doors, by hand: the first administrator, signing in and out, the second factor, links that work once, and what a page of another
// origin can do (nothing).
//
// node doors.mjs --server http://127.0.0.1:8000 --link FIRST_ADMIN_LINK --shots DIR [--chromium /usr/bin/chromium]
// node doors.mjs --server http://127.0.0.1:8000 --openid NAME --shots DIR
//
// Prints {"ok", "done", "errors", "said", "seconds"} and exits with 1 when something was not as it must be.

import { createServer } from "node:http";
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { Api, code } from "./doors/api.mjs";
import { ownAccount, people } from "./doors/own.mjs";
import { Watch } from "./doors/watch.mjs";

const ANN = { email: "ann@example.com", name: "Ann Miller", password: "correct horse battery staple 7" };
const BOB = { email: "bob@example.com", name: "Bob Smith", password: "seven yellow trams go uphill", next: "nine purple boats drift away" };
const STEP_MS = 15_000;
// A session that was ended is out within this time.
const OUT_MS = 5_000;

const { values: options } = parseArgs({
  options: {
    server: { type: "string" },
    link: { type: "string" },
    openid: { type: "string" },
    shots: { type: "string" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});
const { server } = options;
const watch = new Watch(server, options.shots);
const { verdict, expect } = watch;
let browser;

async function newPage(more = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...more });
  const page = watch.over(await context.newPage());
  page.setDefaultTimeout(STEP_MS);
  return page;
}

const submit = (page, action) => page.click(`form[data-account="${action}"] button[type="submit"]`);
const isIn = (page) => page.waitForURL(`${server}/`).then(() => page.waitForSelector("#finished-title"));

async function problem(page, action) {
  const alert = page.locator(`form[data-account="${action}"] [data-problem]`);
  await alert.waitFor({ state: "visible" });
  return (await alert.textContent()).trim();
}

async function fill(page, fields) {
  for (const [name, value] of Object.entries(fields)) await page.fill(`#${name}`, value);
}

async function signIn(page, { email, password }) {
  await page.goto(`${server}/sign-in`);
  await fill(page, { email, password });
  await submit(page, "login");
}

async function signOut(page) {
  await page.click("[data-sign-out]");
  await page.waitForURL(`${server}/sign-in`);
  await page.goto(`${server}/`);
  expect(page.url() === `${server}/sign-in`, "the console is closed after signing out");
}

async function firstAdministrator(page) {
  const ticket = new URL(options.link).hash.slice(1);
  watch.secret(ticket);
  await page.goto(options.link);
  await watch.shoot(page, "first-admin");
  await fill(page, { email: ANN.email, name: ANN.name, password: "password1234" });
  await submit(page, "first-admin");
  verdict.said.weak = await problem(page, "first-admin");
  expect(/common|guess|known/i.test(verdict.said.weak), "a weak password is refused with a sentence that says why");
  await watch.shoot(page, "first-admin-refused");
  await fill(page, { password: ANN.password });
  await submit(page, "first-admin");
  await isIn(page);
  await watch.shoot(page, "console-signed-in");
  await watch.keepsNothing(page);
  const cookie = (await page.context().cookies()).find((one) => one.name === "voicenoob");
  expect(cookie?.httpOnly && ["Lax", "Strict"].includes(cookie.sameSite), "the session is an HttpOnly, SameSite cookie");
  const other = await newPage();
  await other.goto(options.link);
  await fill(other, { email: "eve@example.com", name: "Eve", password: ANN.password });
  await submit(other, "first-admin");
  verdict.said.usedFirstAdmin = await problem(other, "first-admin");
  await other.context().close();
}

async function signInAndOut(page) {
  await signOut(page);
  await watch.shoot(page, "sign-in");
  await signIn(page, { email: ANN.email, password: "not the password at all" });
  const wrong = await problem(page, "login");
  await signIn(page, { email: "nobody@example.com", password: "not the password at all" });
  const unknown = await problem(page, "login");
  expect(wrong === unknown, `wrong and unknown are told alike: ${wrong} / ${unknown}`);
  verdict.said.wrong = wrong;
  await watch.shoot(page, "sign-in-refused");
  // By keyboard alone: the field is there, Tab goes on, Enter sends.
  await page.goto(`${server}/sign-in`);
  await page.keyboard.type(ANN.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(ANN.password);
  await page.keyboard.press("Enter");
  await isIn(page);
}

async function chooseWorkspace(page, ann) {
  await ann.ask("POST", "workspaces", { name: "Harbour View Annex with a name that is rather long" });
  await signOut(page);
  await signIn(page, ANN);
  await page.waitForURL(`${server}/workspace`);
  await page.waitForSelector(".choices button");
  await watch.shoot(page, "workspace");
  expect((await page.$$(".choices button")).length === 2, "both workspaces are offered");
  // The first is in focus already.
  await page.keyboard.press("Enter");
  await isIn(page);
}

async function secondFactor(page, ann) {
  const setup = await ann.ask("POST", "auth/totp", { password: ANN.password });
  const used = code(setup.secret, 0);
  const { recovery_codes: recovery } = await ann.ask("POST", "auth/totp/confirm", { code: used });
  watch.secret(setup.secret);
  const ask = async (given) => {
    await fill(page, { code: given });
    await submit(page, "second-factor");
  };
  const first = async () => {
    await signOut(page);
    await signIn(page, ANN);
    await page.waitForSelector("#code:visible");
  };
  await first();
  await watch.shoot(page, "second-factor");
  await ask("000000");
  verdict.said.wrongCode = await problem(page, "second-factor");
  await watch.shoot(page, "second-factor-refused");
  await ask(used);
  expect((await problem(page, "second-factor")) === verdict.said.wrongCode, "a used code is a wrong one");
  await ask(code(setup.secret, 1));
  await page.waitForURL(`${server}/workspace`);
  await page.click(".choices button");
  await isIn(page);
  await first();
  await ask(recovery[0]);
  await page.waitForURL(`${server}/workspace`);
  await page.click(".choices button");
  await isIn(page);
  await first();
  await ask(recovery[0]);
  await problem(page, "second-factor");
  await ask(recovery[1]);
  await page.waitForURL(`${server}/workspace`);
}

async function links(ann) {
  const page = await newPage();
  const invited = await ann.ask("POST", "users", { email: BOB.email, role: "operator" });
  watch.secret(invited.ticket);
  await page.goto(`${server}/invitation#${invited.ticket}`);
  await watch.shoot(page, "invitation");
  await fill(page, { name: BOB.name, password: BOB.password });
  await submit(page, "invitation");
  await isIn(page);
  const again = await newPage();
  await again.goto(`${server}/invitation#${invited.ticket}`);
  await fill(again, { name: "Eve", password: "another fine password here" });
  await submit(again, "invitation");
  verdict.said.usedInvitation = await problem(again, "invitation");
  expect(/link/i.test(verdict.said.usedInvitation), "a used invitation says so");
  await again.goto("about:blank");
  await again.goto(`${server}/invitation`);
  verdict.said.cutOff = await problem(again, "invitation");

  const members = await ann.ask("GET", "users");
  const bob = members.items.find((one) => one.email === BOB.email);
  const reset = await ann.ask("POST", `users/${bob.id}/password-reset`);
  watch.secret(reset.ticket);
  await again.goto(`${server}/reset#${reset.ticket}`);
  await watch.shoot(again, "reset");
  await fill(again, { password: BOB.next });
  await submit(again, "reset");
  await again.waitForSelector("[data-new-password]:visible");
  await again.goto("about:blank");
  await again.goto(`${server}/reset#${reset.ticket}`);
  await fill(again, { password: BOB.next });
  await submit(again, "reset");
  verdict.said.usedReset = await problem(again, "reset");
  expect(verdict.said.usedReset === verdict.said.usedInvitation, "a used link says so");
  // The reset has ended the session of the first page.
  await page.waitForURL(`${server}/sign-in`, { timeout: OUT_MS });
  await signIn(again, { email: BOB.email, password: BOB.next });
  await isIn(again);
  const ended = Date.now();
  await ann.ask("DELETE", `users/${bob.id}/sessions`);
  await again.waitForURL(`${server}/sign-in`, { timeout: OUT_MS });
  verdict.seconds.revoked = (Date.now() - ended) / 1000;
  await page.context().close();
  await again.context().close();
}

// A page of another origin, under a name that is the same site and under one that is not.
async function otherOrigins(page, ann) {
  await page.click(".choices button");
  await isIn(page);
  const before = JSON.stringify(await ann.ask("GET", "workspaces"));
  const forms = [["logout", ""], ["workspaces", JSON.stringify({ name: "Evil" })]].map(([path, body]) => {
    const target = path === "logout" ? "auth/logout" : path;
    return `<form id="${path}" method="post" enctype="text/plain" target="_blank" action="${server}/api/v1/${target}"><input name='${body}' value=""></form>`;
  });
  const evil = createServer((_, answer) => answer.setHeader("content-type", "text/html").end(`<title>evil</title>${forms.join("")}`));
  await new Promise((resolve) => evil.listen(0, "127.0.0.1", resolve));
  for (const host of ["127.0.0.1", "localhost"]) {
    const there = await page.context().newPage();
    await there.goto(`http://${host}:${evil.address().port}/`);
    for (const id of ["logout", "workspaces"]) {
      const [popup] = await Promise.all([page.context().waitForEvent("page"), there.evaluate((id) => document.getElementById(id).submit(), id)]);
      await popup.waitForLoadState();
      const told = await popup.textContent("body");
      expect(told.includes("cross_site"), `a form of ${host} to ${id} is refused: ${told}`);
      await popup.close();
    }
    const read = await there.evaluate(
      (url) => fetch(url, { credentials: "include" }).then((answer) => answer.text(), () => "nothing"),
      `${server}/api/v1/auth/me`,
    );
    expect(read === "nothing", `a page of ${host} reads nothing: ${read}`);
    const framed = await there.evaluate((url) => new Promise((resolve) => {
      const frame = document.createElement("iframe");
      frame.src = url;
      frame.onload = () => { try { resolve(frame.contentDocument === null ? "foreign" : "ours"); } catch { resolve("foreign"); } };
      document.body.append(frame);
    }), `${server}/`);
    expect(framed === "foreign", "a frame of the console cannot be read");
    await there.close();
  }
  evil.close();
  expect(JSON.stringify(await ann.ask("GET", "workspaces")) === before, "no workspace was made");
  await page.reload();
  await isIn(page);
}

async function withoutScripts() {
  for (const path of ["/sign-in", "/first-admin", "/reset"]) {
    const page = await newPage({ javaScriptEnabled: false });
    await page.goto(`${server}${path}`);
    if (await page.$("#email")) await page.fill("#email", ANN.email);
    if (await page.$("#name")) await page.fill("#name", ANN.name);
    await page.fill("#password", ANN.password);
    const sent = page.waitForRequest((request) => request.isNavigationRequest());
    await page.click('button[type="submit"]', { noWaitAfter: true });
    const request = await sent;
    expect(request.method() === "POST" && !request.url().includes("?"), `without scripts ${path} puts nothing into the address: ${request.url()}`);
    await page.context().close();
  }
}

async function byOpenId(page) {
  await page.goto(`${server}/sign-in`);
  await watch.shoot(page, "openid");
  await page.click(`button:has-text("Sign in with ${options.openid}")`);
  await isIn(page);
  await watch.keepsNothing(page);
  verdict.done.push("openid");
}

async function story(page) {
  const step = async (name, run) => {
    await run();
    verdict.done.push(name);
  };
  await step("first administrator", () => firstAdministrator(page));
  const ann = await Api.signIn(server, ANN);
  await step("sign in and out", () => signInAndOut(page));
  await step("workspace", () => chooseWorkspace(page, ann));
  await step("second factor", () => secondFactor(page, ann));
  await ann.ask("POST", "auth/workspace", { workspace_id: (await ann.ask("GET", "auth/me")).workspaces[0].id });
  await step("links", () => links(ann));
  await step("other origins", () => otherOrigins(page, ann));
  await step("without scripts", withoutScripts);
  const place = { server, watch, newPage, isIn };
  const cara = await people.invite(page, place);
  await step("own account", () => ownAccount(cara, place));
  await step("people", () => people.change(page, cara, place));
  await watch.keepsNothing(page);
}

try {
  mkdirSync(options.shots, { recursive: true });
  browser = await chromium.launch({
    executablePath: options.chromium,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const page = await newPage();
  await (options.openid ? byOpenId(page) : story(page));
} catch (error) {
  verdict.errors.push(error.stack);
} finally {
  await browser?.close();
}
verdict.ok = verdict.errors.length === 0;
console.log(JSON.stringify(verdict, null, 2));
process.exit(verdict.ok ? 0 : 1);
