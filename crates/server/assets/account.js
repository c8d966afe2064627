// Signing in, by the API: one way in, for browsers and programs. The session is a cookie that scripts cannot read.

const HOME = "/";
// Links carry their ticket behind the #, which browsers do not send and proxies do not log.
const ticketOfLink = decodeURIComponent(location.hash.slice(1));
let ticketOfFirstStep = "";

const actions = {
  login: (fields) => post("login", { email: fields.email, password: fields.password, cookie: true }),
  "second-factor": (fields) => post("second-factor", { ticket: ticketOfFirstStep, code: fields.code, cookie: true }),
  "first-admin": (fields) => post("first-admin", { ticket: ticketOfLink, email: fields.email, name: fields.name, password: fields.password }),
  invitation: (fields) =>
    post("invitations/accept", { ticket: ticketOfLink, password: fields.password, ...(fields.name ? { name: fields.name } : {}) }),
  reset: (fields) => post("password-reset", { ticket: ticketOfLink, password: fields.password }),
  openid: () => post("openid/begin"),
  returned: () => {
    const sent = new URLSearchParams(location.search);
    const named = Object.fromEntries(["code", "state", "iss", "error"].filter((name) => sent.has(name)).map((name) => [name, sent.get(name)]));
    history.replaceState(null, "", location.pathname);
    return post("openid/finish", { ...named, cookie: true });
  },
};

async function post(path, body) {
  const init = { method: "POST", signal: AbortSignal.timeout(15000) };
  if (body) Object.assign(init, { headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const response = await fetch(`/api/v1/auth/${path}`, init);
  const answer = response.status === 204 ? {} : await response.json();
  if (response.ok) return { status: response.status, ...answer };
  const fields = (answer.errors ?? []).map((error) => error.message).join(" ");
  throw new Error([answer.detail, fields].filter(Boolean).join(" ") || `The server answered ${response.status}.`);
}

// What comes after a step that went well.
function goOn(action, answer) {
  if (answer.url) return location.assign(answer.url);
  if (answer.status === 202) return askForCode(answer.ticket);
  if (["login", "second-factor", "returned"].includes(action)) return location.assign(HOME);
  location.assign("/sign-in");
}

function askForCode(ticket) {
  ticketOfFirstStep = ticket;
  for (const form of document.querySelectorAll("form[data-account]")) form.hidden = form.dataset.account !== "second-factor";
  document.querySelector("#code")?.focus();
}

async function submit(form) {
  const button = form.querySelector("button");
  const problem = form.querySelector("[data-problem]");
  problem.hidden = true;
  if (button) button.disabled = true;
  try {
    const action = form.dataset.account;
    goOn(action, await actions[action](Object.fromEntries(new FormData(form))));
  } catch (fault) {
    problem.textContent = fault.name === "TimeoutError" ? "The server does not answer. Try again." : fault.message;
    problem.hidden = false;
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
}
