// The browser's telephone sound without a browser: the worklet's file is run with what the audio thread would give it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const SOURCE = readFileSync(new URL("../../server/assets/phone-worklet.js", import.meta.url), "utf8");
const BLOCK = 128;

function phone(sampleRate) {
  const sent = [];
  let registered;
  class AudioWorkletProcessor {
    port = { postMessage: (message) => sent.push(message) };
  }
  const parts = vm.runInNewContext(`${SOURCE}; ({ encode, DECODED, Resampler })`, {
    sampleRate,
    AudioWorkletProcessor,
    registerProcessor: (_, made) => (registered = made),
  });
  const processor = new registered();
  const give = (message) => processor.port.onmessage({ data: message });
  const run = (samples) => {
    const heard = new Float32Array(samples.length);
    for (let at = 0; at + BLOCK <= samples.length; at += BLOCK) {
      processor.process([[samples.subarray(at, at + BLOCK)]], [[heard.subarray(at, at + BLOCK)]]);
    }
    return heard;
  };
  const names = () => sent.filter((message) => message.mark !== undefined).map((message) => message.mark);
  const line = () => sent.filter((message) => message.frame).flatMap((message) => Array.from(message.frame, (code) => parts.DECODED[code]));
  return { ...parts, sent, give, run, names, line };
}

function tone(hertz, rate, seconds, level = 0.5) {
  return Float32Array.from({ length: Math.round(rate * seconds) }, (_, at) => level * Math.sin((2 * Math.PI * hertz * at) / rate));
}

const loudness = (samples) => Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
const silence = (rate, seconds) => new Float32Array(Math.round(rate * seconds));

test("mu-law is G.711's", () => {
  const { encode, DECODED } = phone(48000);
  assert.equal(encode(0), 0xff);
  assert.equal(encode(1), 0x80);
  assert.equal(encode(-1), 0x00);
  assert.equal(Math.round(DECODED[0x00] * 32768), -32124);
  assert.equal(Math.round(DECODED[0x80] * 32768), 32124);
  for (let code = 0; code < 256; code += 1) {
    // 0x7f is minus zero: it comes back as plus zero.
    assert.equal(encode((DECODED[code] * 32768) / 32767), code === 0x7f ? 0xff : code, `code ${code}`);
  }
});

for (const rate of [8000, 16000, 44100, 48000, 96000]) {
  test(`a microphone at ${rate} Hz gives 50 frames a second and nothing that does not fit the line`, () => {
    const voice = phone(rate);
    voice.run(tone(1000, rate, 2));
    const frames = voice.sent.filter((message) => message.frame);
    assert.ok(frames.length >= 97 && frames.length <= 100, `${frames.length} frames in 2 s`);
    assert.ok(frames.every((message) => message.frame.length === 160));
    const passed = loudness(voice.line().slice(4000, 12000));
    assert.ok(Math.abs(passed - 0.5 / Math.SQRT2) < 0.02, `1 kHz passes with ${passed}`);
    if (rate <= 8000) return;
    const hiss = phone(rate);
    hiss.run(tone(5000, rate, 2));
    assert.ok(loudness(hiss.line().slice(4000, 12000)) < 0.001, "5 kHz must not come back as 3 kHz");
  });
}

test("received sound is played at the device's rate", () => {
  for (const rate of [44100, 48000]) {
    const { give, run, encode } = phone(rate);
    give({ audio: Uint8Array.from(tone(1000, 8000, 1), encode) });
    const heard = run(silence(rate, 1.5));
    const during = loudness(heard.subarray(rate / 4, (rate * 3) / 4));
    assert.ok(Math.abs(during - 0.5 / Math.SQRT2) < 0.02, `${during} at ${rate}`);
    assert.ok(loudness(heard.subarray(rate * 1.2, rate * 1.4)) < 0.001, "then silence");
  }
});

test("a mark comes back when the sound before it has been played, and not before", () => {
  const { give, run, names, encode } = phone(48000);
  give({ mark: "empty" });
  give({ audio: Uint8Array.from(tone(500, 8000, 1), encode) });
  give({ mark: "one" });
  run(silence(48000, 0.95));
  assert.deepEqual(names(), ["empty"]);
  run(silence(48000, 0.1));
  assert.deepEqual(names(), ["empty", "one"]);
});

test("clear drops the sound and brings back every mark at once", () => {
  const { give, run, names, encode } = phone(48000);
  give({ audio: Uint8Array.from(tone(500, 8000, 5), encode) });
  give({ mark: "a" });
  give({ mark: "b" });
  run(silence(48000, 0.5));
  give({ clear: true });
  assert.deepEqual(names(), ["a", "b"]);
  assert.ok(loudness(run(silence(48000, 0.5)).subarray(4800)) < 0.001);
  give({ mark: "after" });
  run(silence(48000, 0.01));
  assert.deepEqual(names(), ["a", "b", "after"]);
});

test("a muted microphone sends silence and does not stop the line", () => {
  const { give, run, line } = phone(48000);
  give({ muted: true });
  run(tone(1000, 48000, 1));
  assert.ok(line().length > 7500 && line().every((sample) => sample === 0));
});

test("a server that sends without end is reported", () => {
  const { give, sent } = phone(48000);
  for (let seconds = 0; seconds < 120; seconds += 1) give({ audio: new Uint8Array(8000) });
  assert.equal(sent.filter((message) => message.overflow).length, 0);
  give({ audio: new Uint8Array(1) });
  assert.equal(sent.filter((message) => message.overflow).length, 1);
});
