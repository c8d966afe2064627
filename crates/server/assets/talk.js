// "Talk to the agent": microphone, line and page joined together.

import { Line, closeInWords } from "./line.js";
import { Transcript } from "./transcript.js";

const POLL_MS = 500;
// After a hang-up the server is given this long to close the socket and to finish the records.
const CLOSE_WAIT_MS = 2000;
const RECORD_WAIT_MS = 8000;

const page = {
  panel: document.querySelector("#phone"),
  agent: document.querySelector("#agent"),
  call: document.querySelector("#call"),
  hangUp: document.querySelector("#hang-up"),
  mute: document.querySelector("#mute"),
  keys: document.querySelectorAll("[data-key]"),
  status: document.querySelector("#status"),
  clock: document.querySelector("#clock"),
  record: document.querySelector("#record"),
  microphone: document.querySelector("#level-microphone"),
  speaker: document.querySelector("#level-agent"),
};
const transcript = new Transcript(document.querySelector("#transcript"));
// Tests feed the microphone from a file; a canceller would take the file for an echo.
const forPeople = !new URLSearchParams(location.search).has("raw");
let current = null;

function say(text, tone = "") {
  page.status.textContent = text;
  page.status.dataset.tone = tone;
}

function show(state) {
  page.panel.dataset.state = state;
  const busy = state !== "idle";
  page.call.disabled = busy;
  page.agent.disabled = busy;
  page.hangUp.disabled = !busy || state === "ending";
  page.mute.disabled = state !== "talking";
  page.keys.forEach((key) => (key.disabled = state !== "talking"));
  if (state !== "talking") page.mute.setAttribute("aria-pressed", "false");
}

const MICROPHONE_FAULTS = {
  NotAllowedError: "The microphone is blocked. Allow it for this page in the browser's address bar, then call again.",
  NotFoundError: "No microphone was found. Plug one in, then call again.",
  NotReadableError: "The microphone is used by another program. Close that program, then call again.",
};

async function openMicrophone() {
  const audio = { channelCount: 1, echoCancellation: forPeople, noiseSuppression: forPeople, autoGainControl: forPeople };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (fault) {
    throw new Error(MICROPHONE_FAULTS[fault.name] ?? `The microphone cannot be used: ${fault.message}`);
  }
}

async function openSound(microphone) {
  const context = new AudioContext({ latencyHint: "interactive" });
  await context.audioWorklet.addModule("/assets/phone-worklet.js");
  const phone = new AudioWorkletNode(context, "phone", { outputChannelCount: [1], channelCount: 1, channelCountMode: "explicit" });
  context.createMediaStreamSource(microphone).connect(phone).connect(context.destination);
  await context.resume();
  return { context, phone };
}

async function requestCall() {
  const response = await fetch("/console/calls", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ agent: page.agent.value || null }),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? `The server refused the call (${response.status}).`);
  return answer;
}

async function placeCall() {
  const call = { microphone: null, context: null, phone: null, line: null, sid: null, ended: false };
  current = call;
  show("connecting");
  page.record.hidden = true;
  page.clock.textContent = "";
  transcript.clear();
  try {
    say("Waiting for the microphone …");
    call.microphone = await openMicrophone();
    Object.assign(call, await openSound(call.microphone));
    if (call.ended) return release(call);
    say("Calling …");
    const answer = await requestCall();
    if (call.ended) return release(call);
    call.sid = answer.call_sid;
    connect(call, answer);
  } catch (fault) {
    end(call, fault.message, "bad");
  }
}

function connect(call, answer) {
  const send = (message, transfer) => call.phone.port.postMessage(message, transfer);
  call.line = new Line(answer, {
    open: () => talking(call),
    audio: (audio) => send({ audio }, [audio.buffer]),
    mark: (mark) => send({ mark }),
    clear: () => send({ clear: true }),
    close: (code, reason) => end(call, closeInWords(code, reason), code === 1000 || code === 1005 ? "" : "bad"),
  });
  call.phone.port.onmessage = ({ data }) => {
    if (data.frame) call.line.frame(data.frame);
    if (data.mark !== undefined) call.line.mark(data.mark);
    if (data.level) showLevels(data.level);
    if (data.overflow) hangUp("The server sent more sound than can be kept.", "bad");
  };
}

function talking(call) {
  call.since = Date.now();
  call.ticker = setInterval(() => (page.clock.textContent = minutes(Date.now() - call.since)), 1000);
  page.clock.textContent = "0:00";
  show("talking");
  say("You are on the line. Speak as on the telephone.", "good");
  page.hangUp.focus();
  follow(call);
}

function hangUp(why = "You hung up.", tone = "") {
  const call = current;
  if (!call || call.ended) return;
  show("ending");
  if (!call.line) return end(call, why, tone);
  call.line.hangUp();
  setTimeout(() => end(call, why, tone), CLOSE_WAIT_MS);
  call.farewell = { why, tone };
}

// Runs once per call, whoever ended it.
function end(call, why, tone) {
  if (call.ended) return;
  call.ended = true;
  call.endedAt = Date.now();
  clearInterval(call.ticker);
  release(call);
  if (current !== call) return;
  show("idle");
  say(call.farewell?.why ?? why, call.farewell?.tone ?? tone);
  page.call.focus();
}

function release(call) {
  call.phone?.port.postMessage({ stop: true });
  call.microphone?.getTracks().forEach((track) => track.stop());
  if (call.context && call.context.state !== "closed") call.context.close();
  showLevels({ microphone: 0, agent: 0 });
}

// Shows the transcript as it grows, and what came in last after the end.
async function follow(call) {
  while (current === call) {
    const got = await recordOf(call.sid);
    if (current !== call) return;
    const complete = call.ended && ((got && !got.live) || Date.now() - call.endedAt > RECORD_WAIT_MS);
    if (got) {
      transcript.show(got.turns);
      page.record.href = `/calls/${got.call.id}`;
      page.record.hidden = !complete;
    }
    if (complete) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function recordOf(sid) {
  try {
    const response = await fetch(`/api/v1/calls/${encodeURIComponent(sid)}`, { signal: AbortSignal.timeout(5000) });
    return response.ok ? await response.json() : null;
  } catch {
    return null; // The next poll asks again; the line itself reports a lost connection.
  }
}

function showLevels({ microphone, agent }) {
  // Decibels under full scale, from -48: how loud it sounds, not how large the number is.
  const share = (peak) => Math.max(0, Math.min(1, 1 + (20 * Math.log10(Math.max(peak, 1e-6))) / 48));
  page.microphone.style.transform = `scaleX(${share(microphone)})`;
  page.speaker.style.transform = `scaleX(${share(agent)})`;
}

function minutes(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function press(digit) {
  if (!current?.line || page.panel.dataset.state !== "talking") return;
  current.line.press(digit);
  say(`Key ${digit} sent.`, "good");
}

function toggleMute() {
  const muted = page.mute.getAttribute("aria-pressed") !== "true";
  page.mute.setAttribute("aria-pressed", String(muted));
  current.phone.port.postMessage({ muted });
  say(muted ? "Your microphone is muted." : "Your microphone is on.", muted ? "" : "good");
}

page.call.addEventListener("click", placeCall);
page.hangUp.addEventListener("click", () => hangUp());
page.mute.addEventListener("click", toggleMute);
page.keys.forEach((key) => key.addEventListener("click", () => press(key.dataset.key)));
page.panel.addEventListener("keydown", (event) => {
  if (/^[0-9*#]$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) press(event.key);
});
addEventListener("pagehide", () => current?.line?.hangUp());

if (!window.isSecureContext || !navigator.mediaDevices) {
  page.call.disabled = true;
  say("Browsers lend the microphone only to pages over https, or on http://localhost. Open this page there.", "bad");
} else if (page.agent.options.length === 0) {
  page.call.disabled = true;
  say("No agent takes calls here.", "bad");
} else {
  show("idle");
}
