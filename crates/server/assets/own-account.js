// One's own account: second factor, password, sessions. What is shown and changed is the API's.

import { ask } from "/assets/ask.js";

const part = (id) => document.querySelector(`#${id}`);

function tell(id, sentence) {
  for (const other of ["account-problem", "account-done"]) part(other).hidden = other !== id || !sentence;
  part(id).textContent = sentence;
  if (sentence) part(id).scrollIntoView({ block: "nearest" });
}

// Does it while the form's buttons rest; a sentence says how it went.
async function work(form, act, done = "") {
  const buttons = form.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  try {
    await act(Object.fromEntries(new FormData(form)));
    form.reset();
    tell("account-done", done);
  } catch (fault) {
    tell("account-problem", fault.message);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

function onSubmit(id, act) {
  part(id).addEventListener("submit", (event) => {
    event.preventDefault();
    act(event.currentTarget, event.submitter?.value);
  });
}

async function showAccount() {
  const { account, role, workspace_id: here, workspaces } = await ask("GET", "auth/me");
  const workspace = workspaces.find((one) => one.id === here);
  part("whoami").textContent = `${account.name}, ${account.email}${workspace ? ` · ${role} of ${workspace.name}` : ""}`;
  part("change-workspace").hidden = workspaces.length < 2;
  for (const place of document.querySelectorAll("[data-for-password]")) place.hidden = !account.has_password;
  showFactor(account.second_factor);
}

function showFactor(on) {
  part("factor-state").textContent = on ? "on" : "off";
  part("factor-state").classList.toggle("badge-good", on);
  part("factor-on").hidden = !on;
  part("factor-begin").hidden = on;
  part("factor-confirm").hidden = true;
}

async function drawn(url) {
  const body = JSON.stringify({ text: url });
  const answer = await fetch("/account/qr", { method: "POST", headers: { "content-type": "application/json" }, body, signal: AbortSignal.timeout(5000) });
  return answer.ok ? answer.text() : "";
}

async function beginFactor({ password }) {
  const { url, secret } = await ask("POST", "auth/totp", password ? { password } : {});
  part("factor-secret").textContent = secret;
  // Without the picture there is the key to type.
  part("factor-qr").innerHTML = await drawn(url).catch(() => "");
  part("factor-qr").firstElementChild?.setAttribute("role", "img");
  part("factor-qr").firstElementChild?.setAttribute("aria-label", "QR code for an authenticator app");
  part("factor-begin").hidden = true;
  part("factor-confirm").hidden = false;
  part("factor-code").focus();
}

function showCodes(codes) {
  const items = codes.map((code) => Object.assign(document.createElement("li"), { textContent: code }));
  part("recovery-codes").replaceChildren(...items);
  part("recovery").hidden = false;
  part("recovery").focus();
}

function forgetCodes() {
  part("recovery-codes").replaceChildren();
  part("recovery").hidden = true;
}

async function confirmFactor({ code }) {
  const { recovery_codes: codes } = await ask("POST", "auth/totp/confirm", { code });
  part("factor-qr").replaceChildren();
  part("factor-secret").textContent = "";
  showFactor(true);
  showCodes(codes);
}

async function changeFactor({ code }, wish) {
  if (wish === "off") {
    await ask("DELETE", "auth/totp", { code });
    forgetCodes();
    return showFactor(false);
  }
  showCodes((await ask("POST", "auth/recovery-codes", { code })).recovery_codes);
}

async function showSessions() {
  const { items } = await ask("GET", "auth/sessions");
  part("sessions").replaceChildren(...items.map(session));
  part("end-others").hidden = items.length < 2;
}

function session({ id, current, kind, address, user_agent: agent, used_at: used }) {
  const item = document.createElement("li");
  item.className = "between";
  const about = document.createElement("div");
  const name = Object.assign(document.createElement("strong"), { textContent: inWords(agent, kind) });
  const rest = Object.assign(document.createElement("div"), { className: "soft small", textContent: `${address} · used ${new Date(used).toLocaleString()}` });
  about.append(name, rest);
  const end = Object.assign(document.createElement("button"), { type: "button", className: "button button-small" });
  end.append("End", Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: ` ${name.textContent} at ${address}` }));
  end.addEventListener("click", () => endSession(id, end));
  item.append(about, current ? Object.assign(document.createElement("span"), { className: "badge badge-good", textContent: "this one" }) : end);
  return item;
}

// Browsers name themselves at length.
function inWords(agent, kind) {
  const browser = ["Edg", "OPR", "Firefox", "Chrome", "Safari"].find((name) => agent.includes(`${name}/`));
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux"].find((name) => agent.includes(name));
  const names = { Edg: "Edge", OPR: "Opera" };
  if (browser) return `${names[browser] ?? browser}${system ? ` on ${system}` : ""}`;
  return agent || (kind === "token" ? "A program" : "A browser");
}

async function endSession(id, button) {
  button.disabled = true;
  await ask("DELETE", `auth/sessions/${id}`).then(showSessions).then(() => tell("account-done", "The session has ended."), (fault) => {
    tell("account-problem", fault.message);
    button.disabled = false;
  });
}

onSubmit("factor-begin", (form) => work(form, beginFactor));
onSubmit("factor-confirm", (form) => work(form, confirmFactor, "The second factor is on."));
onSubmit("factor-on", (form, wish) => work(form, (fields) => changeFactor(fields, wish), wish === "off" ? "The second factor is off." : "The former recovery codes work no more."));
onSubmit("password-change", (form) => work(form, (fields) => ask("POST", "auth/password", fields).then(showSessions), "The password is changed, and your other sessions have ended."));
part("recovery-kept").addEventListener("click", forgetCodes);
part("end-others").addEventListener("click", ({ currentTarget: button }) => {
  button.disabled = true;
  const over = ask("DELETE", "auth/sessions").then(showSessions).then(() => tell("account-done", "Your other sessions have ended."), (fault) => tell("account-problem", fault.message));
  over.finally(() => (button.disabled = false));
});
Promise.all([showAccount(), showSessions()]).catch((fault) => tell("account-problem", fault.message));
