// The carrier's side of a Twilio media stream: the server cannot tell this browser from a telephone network.

// Eight seconds of sound that the network did not take: what comes after it would only arrive late.
const MAX_UNSENT_BYTES = 128 * 1024;
const FRAME_MS = 20;

const REASONS = new Map([
  [1001, "The server is being stopped."],
  [1006, "The connection was lost."],
  [1009, "The server found a message too big."],
  [1011, "The server had a fault."],
  [4000, "The server did not accept the request."],
  [4001, "The call's token was not accepted. Please call again."],
  [4002, "The server did not understand the media stream."],
  [4003, "This agent takes no calls at the moment."],
  [4004, "There is no such agent."],
  [4005, "The call started too late. Please call again."],
  [4006, "The server does not speak this sound format."],
  [4008, "The server heard nothing from this browser any more."],
  [4013, "All lines are busy. Please call again in a few minutes."],
]);

// A close code in words, with the code itself for whoever reports a fault.
export function closeInWords(code, reason) {
  if (code === 1000 || code === 1005) return reason ? `${reason}.` : "The call has ended.";
  return `${REASONS.get(code) ?? "The call was cut off."} (${code}${reason ? `, ${reason}` : ""})`;
}

function randomId(prefix) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return prefix + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Line {
  // `call` is the server's answer to POST /console/calls; `on` has open(), audio(bytes), mark(name), clear() and close(code, reason).
  constructor(call, on) {
    this.callSid = call.call_sid;
    this.parameters = call.parameters;
    this.streamSid = randomId("MZ");
    this.sequence = 0;
    this.chunk = 0;
    this.on = on;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(`${scheme}//${location.host}${call.stream_path}`);
    this.socket.addEventListener("open", () => this.start());
    this.socket.addEventListener("message", ({ data }) => this.receive(data));
    this.socket.addEventListener("close", ({ code, reason }) => on.close(code, reason));
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  start() {
    this.socket.send(JSON.stringify({ event: "connected", protocol: "Call", version: "1.0.0" }));
    this.send("start", {
      accountSid: "",
      streamSid: this.streamSid,
      callSid: this.callSid,
      tracks: ["inbound"],
      mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000, channels: 1 },
      customParameters: this.parameters,
    });
    this.on.open();
  }

  receive(text) {
    const message = JSON.parse(text);
    if (message.event === "media") this.on.audio(Uint8Array.from(atob(message.media.payload), (letter) => letter.charCodeAt(0)));
    if (message.event === "mark") this.on.mark(message.mark.name);
    if (message.event === "clear") this.on.clear();
  }

  // Every number is a string, as Twilio writes them. Frames the network does not take are left out; their numbers are not used again.
  frame(codes) {
    if (!this.isOpen) return;
    this.chunk += 1;
    if (this.socket.bufferedAmount > MAX_UNSENT_BYTES) return;
    const timestamp = String((this.chunk - 1) * FRAME_MS);
    this.send("media", { track: "inbound", chunk: String(this.chunk), timestamp, payload: btoa(String.fromCharCode(...codes)) });
  }

  mark(name) {
    this.send("mark", { name });
  }

  press(digit) {
    this.send("dtmf", { track: "inbound_track", digit });
  }

  hangUp() {
    this.send("stop", { accountSid: "", callSid: this.callSid });
    this.socket.close(1000, "Call ended by caller");
  }

  send(event, content) {
    if (!this.isOpen) return;
    this.sequence += 1;
    this.socket.send(JSON.stringify({ event, sequenceNumber: String(this.sequence), streamSid: this.streamSid, [event]: content }));
  }
}
