// A program beside the browser: it prepares what an administrator would, and has an authenticator app.

import { createHmac } from "node:crypto";

const STEP_S = 30;

export class Api {
  constructor(server, token) {
    this.server = server;
    this.token = token;
  }

  static async signIn(server, { email, password }) {
    const nobody = new Api(server);
    return new Api(server, (await nobody.ask("POST", "auth/login", { email, password })).access_token);
  }

  async ask(method, path, body) {
    const headers = { ...(this.token && { authorization: `Bearer ${this.token}` }), ...(body && { "content-type": "application/json" }) };
    const answer = await fetch(`${this.server}/api/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : {};
  }
}

// The code of the step so many steps from now (RFC 6238 with SHA-1, six digits, as apps have it).
export function code(secret, steps) {
  const bits = [...secret.replace(/=+$/, "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000 / STEP_S) + steps));
  const digest = createHmac("sha1", key).update(counter).digest();
  const at = digest.at(-1) & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
