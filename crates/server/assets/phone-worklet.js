// The telephone's sound, on the audio thread: the microphone becomes 20 ms frames of mu-law at 8 kHz, and received mu-law becomes sound.
// Messages in: {audio: Uint8Array} {mark: name} {clear: true} {muted: bool} {stop: true}.
// Messages out: {frame: Uint8Array} {mark: name} {level: {microphone, agent}} {overflow: true}.

const LINE_RATE = 8000;
const FRAME_SAMPLES = 160;
// A carrier plays what it was sent in order; two minutes ahead is more than any reply needs.
const MAX_BUFFERED_SAMPLES = 120 * LINE_RATE;
const MAX_MARKS = 1000;
const LEVELS_PER_SECOND = 20;

// Pass band to 3.2 kHz, stop band from 4 kHz: 24 zero crossings on each side under a Kaiser window of beta 8 (80 dB).
const CROSSINGS = 24;
const KAISER_BETA = 8;
const CUTOFF = 0.45;

function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 40; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

// Changes the rate by an exact ratio: one filter per phase, so that nothing drifts over a long call.
class Resampler {
  constructor(from, to) {
    const common = greatestCommonDivisor(from, to);
    this.up = to / common;
    this.down = from / common;
    const cutoff = (CUTOFF * Math.min(from, to)) / from;
    this.half = Math.ceil(CROSSINGS / (2 * cutoff));
    this.taps = 2 * this.half;
    this.phases = Array.from({ length: this.up }, (_, phase) => this.filter(phase / this.up, cutoff));
    // Written twice, so that every window lies in one piece.
    this.history = new Float32Array(2 * this.taps);
    this.at = 0;
    this.ahead = this.up;
  }

  filter(shift, cutoff) {
    const weights = new Float32Array(this.taps);
    let sum = 0;
    for (let tap = 0; tap < this.taps; tap += 1) {
      const offset = tap - this.half + 1 - shift;
      const window = bessel(KAISER_BETA * Math.sqrt(Math.max(0, 1 - (offset / this.half) ** 2))) / bessel(KAISER_BETA);
      weights[tap] = sinc(2 * cutoff * offset) * window;
      sum += weights[tap];
    }
    return weights.map((weight) => weight / sum);
  }

  feed(sample) {
    this.history[this.at] = sample;
    this.history[this.at + this.taps] = sample;
    this.at = (this.at + 1) % this.taps;
    this.ahead -= this.up;
  }

  // True when a sample can be taken without feeding another one.
  get due() {
    return this.ahead < this.up;
  }

  take() {
    const weights = this.phases[this.ahead];
    let sum = 0;
    for (let tap = 0; tap < this.taps; tap += 1) {
      sum += weights[tap] * this.history[this.at + tap];
    }
    this.ahead += this.down;
    return sum;
  }
}

// G.711 mu-law, from -1..1 and back.
function encode(sample) {
  const value = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
  const magnitude = Math.min(Math.abs(value), 32635) + 132;
  const exponent = 24 - Math.clz32(magnitude);
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~((value < 0 ? 0x80 : 0) | (exponent << 4) | mantissa) & 0xff;
}

const DECODED = Float32Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 132) << ((bits >> 4) & 0x07)) - 132;
  return (bits & 0x80 ? -magnitude : magnitude) / 32768;
});

// Received sound in order of arrival, with the marks between.
class PlayBuffer {
  constructor() {
    this.played = 0;
    this.clear();
  }

  clear() {
    const dropped = (this.marks ?? []).map((mark) => mark.name);
    this.pieces = [];
    this.offset = 0;
    this.received = this.played;
    this.marks = [];
    return dropped;
  }

  // False when there is no more room.
  push(codes) {
    if (this.received - this.played + codes.length > MAX_BUFFERED_SAMPLES) return false;
    if (codes.length > 0) this.pieces.push(codes);
    this.received += codes.length;
    return true;
  }

  mark(name) {
    if (this.marks.length >= MAX_MARKS) return false;
    this.marks.push({ name, at: this.received });
    return true;
  }

  // The next sample; silence when nothing is there.
  next() {
    const piece = this.pieces[0];
    if (piece === undefined) return 0;
    const sample = DECODED[piece[this.offset]];
    this.offset += 1;
    this.played += 1;
    if (this.offset === piece.length) {
      this.pieces.shift();
      this.offset = 0;
    }
    return sample;
  }

  // Names of the marks whose sound has been played, each once.
  reached() {
    const names = [];
    while (this.marks.length > 0 && this.marks[0].at <= this.played) names.push(this.marks.shift().name);
    return names;
  }
}

class Phone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.toLine = new Resampler(sampleRate, LINE_RATE);
    this.fromLine = new Resampler(LINE_RATE, sampleRate);
    this.buffer = new PlayBuffer();
    this.frame = new Uint8Array(FRAME_SAMPLES);
    this.filled = 0;
    this.muted = false;
    this.stopped = false;
    this.peaks = { microphone: 0, agent: 0 };
    this.measured = 0;
    this.port.onmessage = ({ data }) => this.receive(data);
  }

  receive(message) {
    if (message.audio && !this.buffer.push(message.audio)) this.port.postMessage({ overflow: true });
    if (message.mark !== undefined && !this.buffer.mark(message.mark)) this.port.postMessage({ overflow: true });
    if (message.clear) this.buffer.clear().forEach((mark) => this.port.postMessage({ mark }));
    if (message.muted !== undefined) this.muted = message.muted;
    if (message.stop) this.stopped = true;
  }

  process([microphone], [loudspeaker]) {
    if (this.stopped) return false;
    const heard = loudspeaker[0];
    this.listen(microphone[0], heard.length);
    this.play(heard);
    loudspeaker.slice(1).forEach((channel) => channel.set(heard));
    this.measure(heard.length);
    return true;
  }

  // A carrier sends without a pause: without a microphone, or muted, it sends silence.
  listen(samples, length) {
    for (let index = 0; index < length; index += 1) {
      const sample = this.muted || samples === undefined ? 0 : samples[index];
      this.peaks.microphone = Math.max(this.peaks.microphone, Math.abs(sample));
      this.toLine.feed(sample);
      while (this.toLine.due) this.send(encode(this.toLine.take()));
    }
  }

  send(code) {
    this.frame[this.filled] = code;
    this.filled += 1;
    if (this.filled < FRAME_SAMPLES) return;
    this.port.postMessage({ frame: this.frame }, [this.frame.buffer]);
    this.frame = new Uint8Array(FRAME_SAMPLES);
    this.filled = 0;
  }

  play(samples) {
    for (let index = 0; index < samples.length; index += 1) {
      while (!this.fromLine.due) this.fromLine.feed(this.buffer.next());
      samples[index] = this.fromLine.take();
      this.peaks.agent = Math.max(this.peaks.agent, Math.abs(samples[index]));
    }
    this.buffer.reached().forEach((mark) => this.port.postMessage({ mark }));
  }

  measure(length) {
    this.measured += length;
    if (this.measured < sampleRate / LEVELS_PER_SECOND) return;
    this.port.postMessage({ level: this.peaks });
    this.peaks = { microphone: 0, agent: 0 };
    this.measured = 0;
  }
}

registerProcessor("phone", Phone);
