// Who works in the workspace: roles, invitations, taking people out. What is shown and changed is the API's; what somebody may not, it refuses.

import { ask } from "/assets/ask.js";

const ROLES = ["viewer", "operator", "admin", "owner"];
const part = (id) => document.querySelector(`#${id}`);
const make = (name, fields, ...inside) => {
  const made = Object.assign(document.createElement(name), fields);
  made.append(...inside);
  return made;
};
let me;

function tell(id, sentence) {
  for (const other of ["people-problem", "people-done"]) part(other).hidden = other !== id;
  part(id).textContent = sentence;
}

const done = (sentence) => tell("people-done", sentence);
const failed = (fault) => tell("people-problem", fault.message);

// Nobody gives a role above their own, unless they administer the installation.
function roles(chosen) {
  const most = me.permissions.includes("system:admin") ? ROLES.length : ROLES.indexOf(me.role) + 1;
  const offered = ROLES.filter((role, rank) => rank < most || role === chosen);
  return offered.map((role) => new Option(role, role, role === chosen, role === chosen));
}

function member(person) {
  const own = person.id === me.account?.id;
  const name = make("strong", { textContent: person.name });
  const marks = [own && ["you", ""], person.second_factor && ["second factor", "badge-good"], !person.active && ["switched off", "badge-warn"]];
  const badges = marks.filter(Boolean).flatMap(([text, kind]) => [" ", make("span", { className: `badge ${kind}`, textContent: text })]);
  const about = make("div", {}, name, ...badges, make("div", { className: "soft small", textContent: person.email }));
  return make("li", { className: "between" }, about, own || !me.permissions.includes("user:update") ? make("span", { className: "badge", textContent: person.role }) : controls(person));
}

function controls(person) {
  const role = make("select", {}, ...roles(person.role));
  role.setAttribute("aria-label", `Role of ${person.name}`);
  role.addEventListener("change", () => change(person, role));
  const whom = make("span", { className: "visually-hidden", textContent: ` ${person.name}` });
  const remove = make("button", { type: "button", className: "button button-small" }, "Take out", whom);
  remove.addEventListener("click", () => takeOut(person, remove));
  return make("div", { className: "row" }, role, remove);
}

async function change(person, role) {
  role.disabled = true;
  try {
    await ask("PATCH", `users/${person.id}`, { role: role.value });
    person.role = role.value;
    done(`${person.name} is ${person.role} now, and signs in again.`);
  } catch (fault) {
    role.value = person.role;
    failed(fault);
  } finally {
    role.disabled = false;
  }
}

// The second press does it: what is done cannot be taken back here.
async function takeOut(person, button) {
  if (!button.dataset.sure) {
    button.dataset.sure = "yes";
    button.firstChild.data = "Really take out?";
    button.addEventListener("blur", () => ((button.firstChild.data = "Take out"), delete button.dataset.sure), { once: true });
    return;
  }
  button.disabled = true;
  try {
    await ask("DELETE", `users/${person.id}`);
    button.closest("li").remove();
    done(`${person.name} is out of the workspace.`);
  } catch (fault) {
    button.disabled = false;
    failed(fault);
  }
}

async function show(after) {
  const { items, next } = await ask("GET", `users${after ? `?after=${after}` : ""}`);
  part("members").append(...items.map(member));
  part("more").hidden = !next;
  part("more").disabled = false;
  part("more").onclick = () => {
    part("more").disabled = true;
    show(next).catch(failed);
  };
}

async function invite(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const { email, role } = Object.fromEntries(new FormData(form));
    const { ticket, link, ends_at: until } = await ask("POST", "users", { email, role });
    part("invited-who").textContent = email;
    part("invited-link").textContent = link ?? `${location.origin}/invitation#${ticket}`;
    part("invited-until").textContent = new Date(until).toLocaleString();
    part("invited").hidden = false;
    part("invited").focus();
    form.reset();
  } catch (fault) {
    failed(fault);
  } finally {
    button.disabled = false;
  }
}

async function begin() {
  me = await ask("GET", "auth/me");
  part("invite-role")?.append(...roles("viewer"));
  part("invite")?.addEventListener("submit", (event) => {
    event.preventDefault();
    invite(event.currentTarget);
  });
  await show();
}

begin().catch(failed);
