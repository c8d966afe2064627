// A browser calls the agent with a microphone fed from a file, then reads the console as an operator does.
//
// node console.mjs --server http://127.0.0.1:8000 --wav caller.wav --shots DIR [--chromium /usr/bin/chromium] [--token TOKEN]
//                  [--agent NAME] [--turns N] [--seconds N] [--lead-in N] [--when WORDS --press KEYS]
//
// The WAV is 48 kHz mono, 16 bit. Its first sample is heard when the call begins: let it begin with silence as long as the greeting,
// or ask for it with --lead-in SECONDS. The call is hung up when N caller turns (1) with words, and the agent's answer to the last, stand in
// the transcript. With --when and --press, keys are pressed once the agent has said these words.
//
// Prints {"ok", "turns", "errors", "missing", "call", "shots"} and exits with 1 when something is missing or a page had an error.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const DESKTOP = { width: 1180, height: 900 };
const PHONE = { width: 390, height: 844 };
const STEP_MS = 10_000;

const { values: options } = parseArgs({
  options: {
    server: { type: "string" },
    wav: { type: "string" },
    shots: { type: "string" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
    token: { type: "string" },
    agent: { type: "string" },
    turns: { type: "string", default: "1" },
    seconds: { type: "string", default: "60" },
    "lead-in": { type: "string", default: "0" },
    when: { type: "string" },
    press: { type: "string", default: "" },
  },
});
for (const name of ["server", "wav", "shots"]) {
  if (!options[name]) {
    console.error(`--${name} is missing; see the head of this file`);
    process.exit(2);
  }
}

// Chromium's fake microphone resamples badly and takes no other layout: a wrong file would look like a deaf agent.
function microphoneFile(path, leadInSeconds, folder) {
  const wav = readFileSync(path);
  const isPlain = wav.toString("latin1", 0, 4) === "RIFF" && wav.toString("latin1", 12, 16) === "fmt ";
  const layout = isPlain ? { channels: wav.readUInt16LE(22), rate: wav.readUInt32LE(24), bits: wav.readUInt16LE(34) } : {};
  if (layout.channels !== 1 || layout.rate !== 48000 || layout.bits !== 16) {
    throw new Error(`${path} must be a WAV of 48000 Hz, one channel, 16 bit; it has ${JSON.stringify(layout)}`);
  }
  let at = 12;
  while (wav.toString("latin1", at, at + 4) !== "data") at += 8 + wav.readUInt32LE(at + 4);
  const sound = wav.subarray(at + 8);
  const silence = Buffer.alloc(Math.round(leadInSeconds * 48000) * 2);
  const head = Buffer.from(wav.subarray(0, at + 8));
  head.writeUInt32LE(silence.length + sound.length, at + 4);
  head.writeUInt32LE(head.length - 8 + silence.length + sound.length, 4);
  const made = join(folder, "microphone.wav");
  writeFileSync(made, Buffer.concat([head, silence, sound]));
  return made;
}

const folder = mkdtempSync(join(tmpdir(), "voicenoob-browser-"));
const verdict = { ok: false, turns: [], errors: [], missing: [], call: null, shots: [] };
let browser;

function watch(page) {
  page.on("pageerror", (error) => verdict.errors.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") verdict.errors.push(`${page.url()}: ${message.text()} (${message.location().url})`);
  });
  return page;
}

async function shoot(page, name) {
  const path = join(options.shots, `${name}.png`);
  await page.screenshot({ path, fullPage: true });
  verdict.shots.push(path);
}

function expect(fulfilled, what) {
  if (!fulfilled) verdict.missing.push(what);
}

async function readTurns(page) {
  return page.$$eval("#transcript [data-speaker]", (items) =>
    items.map((item) => ({
      speaker: item.dataset.speaker,
      text: item.querySelector(".bubble").textContent,
      understood: item.querySelector(".unclear, .keys") === null,
    })),
  );
}

// The greeting, then the caller's words, then an answer to the last of them.
function isComplete(turns) {
  const greeted = turns[0]?.speaker === "agent";
  const spoken = turns.filter((turn) => turn.speaker === "caller" && turn.understood).length;
  return greeted && spoken >= Number(options.turns) && turns.at(-1).speaker === "agent";
}

async function talk(page) {
  await page.goto(`${options.server}/talk?raw=1`);
  if (options.agent) await page.selectOption("#agent", { label: options.agent });
  await page.click("#call");
  let keys = options.press;
  const deadline = Date.now() + Number(options.seconds) * 1000;
  while (Date.now() < deadline && !isComplete(verdict.turns)) {
    await page.waitForTimeout(250);
    verdict.turns = await readTurns(page);
    const state = await page.getAttribute("#phone", "data-state");
    if (state === "idle") break;
    const last = verdict.turns.at(-1);
    if (keys && options.when && last?.speaker === "agent" && last.text.includes(options.when)) {
      for (const key of keys) await page.click(`[data-key="${key}"]`, { delay: 60 });
      keys = "";
    }
  }
  await shoot(page, "talk");
  verdict.status = await page.textContent("#status");
  await hangUp(page);
  // The agent may have ended the call: its last words come with the record.
  verdict.turns = await readTurns(page);
  expect(verdict.turns.some((turn) => turn.speaker === "agent"), "a greeting of the agent");
  expect(verdict.turns.some((turn) => turn.speaker === "caller" && turn.understood), "a caller turn with recognised words");
  expect(isComplete(verdict.turns), "an answer to the caller");
}

async function hangUp(page) {
  // The agent may hang up in the same moment; then the button is out of use, and the check below sees the phone at rest.
  if (await page.isEnabled("#hang-up")) await page.click("#hang-up", { timeout: 1000 }).catch(() => {});
  await page.waitForSelector('#phone[data-state="idle"]', { timeout: STEP_MS }).catch(() => expect(false, "the phone's return to rest"));
  const link = await page.waitForSelector("#record:not([hidden])", { timeout: STEP_MS }).catch(() => null);
  expect(link, "a link to the call's page");
  verdict.call = link && (await link.getAttribute("href"));
  await shoot(page, "talk-ended");
}

async function readConsole(page) {
  await page.goto(`${options.server}/`);
  await page.waitForSelector("#finished-title");
  expect(verdict.call && (await page.$(`a[href="${verdict.call}"]`)), "the call in the list of finished calls");
  await shoot(page, "console");
}

async function readCall(page) {
  await page.goto(`${options.server}${verdict.call}`);
  const speakers = await page.$$eval(".turn[data-speaker]", (items) => items.map((item) => item.dataset.speaker));
  expect(speakers.length >= verdict.turns.length, "every turn on the call's page");
  expect((await page.$$(".latency svg")).length > 0, "a latency bar");
  await hearRecording(page);
  await shoot(page, "call");
}

// The recording is there, holds the call, and a turn's time jumps to it.
async function hearRecording(page) {
  if (!(await page.$("#player"))) return expect(false, "a recording");
  const loaded = await page.waitForFunction(() => document.querySelector("#player").duration > 1, null, { timeout: STEP_MS }).catch(() => null);
  expect(loaded, "a recording that plays");
  const button = page.locator("[data-seek]").last();
  const wanted = Number(await button.getAttribute("data-seek"));
  await button.click();
  const sought = await page
    .waitForFunction((at) => document.querySelector("#player").currentTime >= at - 0.1, wanted, { timeout: STEP_MS })
    .catch(() => null);
  expect(sought, "a player that jumps to a turn");
  await page.evaluate(() => document.querySelector("#player").pause());
}

async function onPhone(state) {
  const context = await browser.newContext({ viewport: PHONE, storageState: state });
  for (const [name, path] of [["console-phone", "/"], ["call-phone", verdict.call], ["talk-phone", "/talk"]]) {
    if (!path) continue;
    const page = watch(await context.newPage());
    await page.goto(`${options.server}${path}`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow <= 0, `${path} without sideways scrolling on a phone`);
    await shoot(page, name);
    await page.close();
  }
  await context.close();
}

try {
  mkdirSync(options.shots, { recursive: true });
  const microphone = microphoneFile(options.wav, Number(options["lead-in"]), folder);
  browser = await chromium.launch({
    executablePath: options.chromium,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      `--use-file-for-fake-audio-capture=${microphone}%noloop`,
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
  const context = await browser.newContext({ viewport: DESKTOP, permissions: ["microphone"] });
  const page = watch(await context.newPage());
  page.setDefaultTimeout(STEP_MS);
  if (options.token) {
    await page.goto(`${options.server}/sign-in#token=${encodeURIComponent(options.token)}`);
    await page.waitForURL(`${options.server}/`);
  }
  await talk(page);
  await readConsole(page);
  if (verdict.call) await readCall(page);
  await onPhone(await context.storageState());
} catch (error) {
  verdict.errors.push(error.message);
} finally {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
}
verdict.ok = verdict.errors.length === 0 && verdict.missing.length === 0;
console.log(JSON.stringify(verdict, null, 2));
process.exit(verdict.ok ? 0 : 1);
