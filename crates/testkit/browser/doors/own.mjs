// Pages about people: an account of one's own, and who works in the workspace.

import { Api, code } from "./api.mjs";

const CARA = { email: "cara@example.com", name: "Cara Jones", password: "eleven orange kites at noon", next: "twelve silver spoons in rain" };
const OUT_MS = 5_000;

const shown = async (page, selector) => {
  await page.waitForSelector(`${selector}:visible`);
  return (await page.textContent(selector)).trim();
};
const done = (page, sentence) => page.waitForFunction((sentence) => document.querySelector('[role="status"]:not([hidden])')?.textContent === sentence, sentence);

export const people = {
  // Somebody is invited on the page, and comes in by the link that it shows.
  async invite(page, { server, watch, newPage, isIn }) {
    await page.click('nav a[href="/people"]');
    await page.fill("#invite-email", CARA.email);
    await page.selectOption("#invite-role", "operator");
    await page.click('#invite button[type="submit"]');
    const link = await shown(page, "#invited-link");
    watch.secret(new URL(link).hash.slice(1));
    await watch.shoot(page, "people-invite");
    const cara = await newPage();
    await cara.goto(link.replace(/^https?:\/\/[^/]+/, server));
    await cara.fill("#name", CARA.name);
    await cara.fill("#password", CARA.password);
    await cara.click('form[data-account="invitation"] button[type="submit"]');
    await isIn(cara);
    watch.expect((await cara.$('nav a[href="/people"]')) === null, "an operator is not led to the people");
    await cara.goto(`${server}/people`);
    watch.expect((await cara.textContent("h1")).includes("not for you"), "an operator does not see the people");
    return cara;
  },

  // A role is changed, and its owner is out; then she is taken out.
  async change(page, cara, { server, watch }) {
    await page.goto(`${server}/people`);
    const role = page.locator(`select[aria-label="Role of ${CARA.name}"]`);
    await role.waitFor();
    await watch.shoot(page, "people");
    await cara.goto(`${server}/`);
    await role.selectOption("viewer");
    await done(page, `${CARA.name} is viewer now, and signs in again.`);
    await cara.waitForURL(`${server}/sign-in`, { timeout: OUT_MS });
    const remove = page.locator("#members li", { hasText: CARA.email }).locator("button");
    await remove.click();
    watch.expect((await remove.textContent()).includes("Really"), "taking somebody out is asked about");
    await remove.click();
    await done(page, `${CARA.name} is out of the workspace.`);
    await page.reload();
    await page.waitForSelector("#members li");
    watch.expect(!(await page.textContent("#members")).includes(CARA.email), "she is out");
    await cara.context().close();
  },
};

// Second factor, sessions and password on the page.
export async function ownAccount(page, { server, watch, isIn }) {
  const program = await Api.signIn(server, CARA);
  await page.goto(`${server}/`);
  await page.click('nav a[href="/account"]');
  await page.waitForSelector("#sessions li");
  watch.expect((await page.$$("#sessions li")).length === 2, "both sessions are listed");
  await watch.shoot(page, "account");
  await page.fill("#factor-password", "not my password");
  await page.click("#factor-begin button");
  watch.verdict.said.notMine = await shown(page, "#account-problem");
  await page.fill("#factor-password", CARA.password);
  await page.click("#factor-begin button");
  await page.waitForSelector("#factor-qr svg");
  const secret = await shown(page, "#factor-secret");
  watch.secret(secret);
  await watch.shoot(page, "account-qr");
  const used = code(secret, 0);
  await page.fill("#factor-code", used);
  await page.click("#factor-confirm button");
  await page.waitForSelector("#recovery-codes li");
  const recovery = await page.$$eval("#recovery-codes li", (items) => items.map((item) => item.textContent));
  watch.expect(recovery.length === 10, `ten recovery codes: ${recovery.length}`);
  await watch.shoot(page, "account-codes");
  await page.click("#recovery-kept");
  await page.reload();
  await page.waitForSelector("#factor-on:visible");
  watch.expect(!(await page.content()).includes(recovery[0]), "recovery codes are shown once");
  await page.fill("#factor-again", recovery[0]);
  await page.click('#factor-on button[value="off"]');
  await done(page, "The second factor is off.");

  await page.click('#sessions button:has-text("End")');
  await done(page, "The session has ended.");
  const refused = await program.ask("GET", "auth/me").then(() => false, (fault) => fault.message.includes("401"));
  watch.expect(refused, "a session that was ended on the page is over");
  await page.fill("#password-current", CARA.password);
  await page.fill("#password-new", CARA.next);
  await page.click("#password-change button");
  await done(page, "The password is changed, and your other sessions have ended.");
  await Api.signIn(server, { email: CARA.email, password: CARA.next });
  await watch.keepsNothing(page);
  await page.goto(`${server}/`);
  await isIn(page);
}
