// The doors: signing in, and links that work once. All by the API, one way in for browsers and programs. The session is a cookie that scripts
// cannot read; a ticket is kept nowhere but behind the #, which browsers do not send and proxies do not log.

import { ask, SIGN_IN } from "/assets/ask.js";

const HOME = "/";
const CHOOSE = "/workspace";
const behindHash = location.hash.slice(1);
let ticketOfFirstStep = "";

const post = (path, body) => ask("POST", `auth/${path}`, body, true);
const login = (email, password) => post("login", { email, password, cookie: true });

const actions = {
  login: ({ email, password }) => login(email, password),
  "second-factor": ({ code }) => post("second-factor", { ticket: ticketOfFirstStep, code: code.trim(), cookie: true }),
  "first-admin": async ({ email, name, password }) => {
    await post("first-admin", { ticket: behindHash, email, name, password });
    return login(email, password);
  },
  invitation: async ({ name, password }) => {
    const account = await post("invitations/accept", { ticket: behindHash, password, ...(name ? { name } : {}) });
    return login(account.email, password);
  },
  reset: async ({ password }) => {
    await post("password-reset", { ticket: behindHash, password });
    return { url: `${SIGN_IN}#new-password` };
  },
  openid: () => post("openid/begin"),
  returned: () => {
    const sent = new URLSearchParams(location.search);
    const named = Object.fromEntries(["code", "state", "iss", "error"].filter((name) => sent.has(name)).map((name) => [name, sent.get(name)]));
    history.replaceState(null, "", location.pathname);
    return post("openid/finish", { ...named, cookie: true });
  },
};

// What comes after a step that went well.
async function goOn(answer) {
  if (answer.url) return location.assign(answer.url);
  if (answer.status === 202) return askForCode(answer.ticket);
  const { workspaces } = await ask("GET", "auth/me");
  location.assign(workspaces.length > 1 ? CHOOSE : HOME);
}

function show(action) {
  for (const part of document.querySelectorAll("[data-account], [data-first-step]")) part.hidden = part.dataset.account !== action;
  document.querySelector(`form[data-account="${action}"] input`)?.focus();
}

function askForCode(ticket) {
  ticketOfFirstStep = ticket;
  show("second-factor");
}

function tell(form, sentence) {
  const problem = form.querySelector("[data-problem]");
  problem.textContent = sentence;
  problem.hidden = false;
}

async function submit(form) {
  const button = form.querySelector("button");
  form.querySelector("[data-problem]").hidden = true;
  if (button) button.disabled = true;
  try {
    await goOn(await actions[form.dataset.account](Object.fromEntries(new FormData(form))));
  } catch (fault) {
    tell(form, fault.message);
    form.querySelector("[data-way-back]")?.removeAttribute("hidden");
  } finally {
    if (button) button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form[data-account]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form);
  });
  if (form.dataset.account === "returned") submit(form);
  if (form.hasAttribute("data-by-link") && !behindHash) tell(form, "This link is cut off. Open the whole link, or ask for a new one.");
}

document.querySelector("[data-new-password]")?.toggleAttribute("hidden", behindHash !== "new-password");
const operator = document.querySelector("form[data-operator]");
if (operator && behindHash.startsWith("token=")) {
  operator.elements.token.value = decodeURIComponent(behindHash.slice("token=".length));
  history.replaceState(null, "", location.pathname);
  operator.submit();
}
