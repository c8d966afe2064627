// What every page of the console shares: times in the reader's own zone, lists that keep themselves fresh, and the player.

import { ask, SIGN_IN } from "/assets/ask.js";

const POLL_MS = 2000;

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const sameDay = at.toDateString() === new Date().toDateString();
    const clock = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: sameDay ? "2-digit" : undefined });
    const day = at.toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" });
    time.title = time.textContent;
    time.textContent = sameDay ? clock : `${day}, ${clock}`;
  }
}

function tick() {
  for (const clock of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - new Date(clock.dataset.since)) / 1000));
    clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}

// Swaps a part of the page for the server's newest version of it, when it differs.
async function refresh(part, shown) {
  const response = await fetch(part.dataset.refresh, { signal: AbortSignal.timeout(5000) });
  // The session has ended, here or elsewhere.
  if (response.status === 401) return location.assign(SIGN_IN);
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const text = await response.text();
  if (text === shown.text) return;
  shown.text = text;
  const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  part.innerHTML = text;
  localise(part);
  tick();
  if (focused) part.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  // A call that has ended gets its recording and its end: they stand outside the transcript.
  if (part.querySelector("[data-ended]")) location.reload();
}

async function keepFresh(part) {
  const shown = { text: null };
  const stale = document.querySelector("#stale");
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (document.hidden) continue;
    try {
      await refresh(part, shown);
      if (stale) stale.hidden = true;
    } catch {
      if (stale) stale.hidden = false;
    }
  }
}

async function hangUp(button) {
  button.disabled = true;
  const response = await fetch(`/api/v1/calls/${button.dataset.hangUp}/hangup`, { method: "POST" }).catch(() => null);
  if (!response?.ok) button.disabled = false;
}

async function signOut(button) {
  button.disabled = true;
  // A session that cannot be ended now is still there: the page says so by staying.
  await ask("POST", "auth/logout").then(() => location.assign(SIGN_IN), () => (button.disabled = false));
}

function setUpPlayer(player) {
  const turns = [...document.querySelectorAll("[data-start]")];
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-seek]");
    if (!button) return;
    player.currentTime = Number(button.dataset.seek);
    player.play().catch(() => {}); // The player itself shows why it cannot play.
  });
  player.addEventListener("timeupdate", () => {
    const now = player.currentTime;
    for (const turn of turns) {
      const playing = !player.paused && now >= Number(turn.dataset.start) && now < Number(turn.dataset.end);
      turn.toggleAttribute("data-playing", playing);
    }
  });
}

localise(document);
tick();
setInterval(tick, 1000);
document.querySelectorAll("[data-refresh]").forEach(keepFresh);
document.querySelectorAll("#player").forEach(setUpPlayer);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-hang-up]");
  if (button) hangUp(button);
  const leaving = event.target.closest("[data-sign-out]");
  if (leaving) signOut(leaving);
});
