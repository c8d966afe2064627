// Which workspace to work in: a button for each that the person belongs to.

import { ask } from "/assets/ask.js";

const HOME = "/";

async function choose(workspace, buttons, problem) {
  for (const button of buttons) button.disabled = true;
  try {
    await ask("POST", "auth/workspace", { workspace_id: workspace.id });
    location.assign(HOME);
  } catch (fault) {
    problem.textContent = fault.message;
    problem.hidden = false;
    for (const button of buttons) button.disabled = false;
  }
}

async function offer(page) {
  const problem = page.querySelector("[data-problem]");
  const list = page.querySelector("ul");
  try {
    const me = await ask("GET", "auth/me");
    page.querySelector("[data-none]").hidden = me.workspaces.length > 0;
    page.querySelector("[data-some]").hidden = me.workspaces.length === 0;
    const buttons = me.workspaces.map((workspace) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = workspace.id === me.workspace_id ? "button button-main" : "button";
      const role = document.createElement("span");
      role.className = "badge";
      role.textContent = workspace.role;
      button.append(workspace.name, " ", role);
      button.addEventListener("click", () => choose(workspace, buttons, problem));
      return button;
    });
    for (const button of buttons) {
      const item = document.createElement("li");
      item.append(button);
      list.append(item);
    }
    buttons[0]?.focus();
  } catch (fault) {
    problem.textContent = fault.message;
    problem.hidden = false;
  }
}

document.querySelectorAll("[data-choose-workspace]").forEach(offer);
