// Asking the API, as the browser's session.

const LIMIT_MS = 15000;
export const SIGN_IN = "/sign-in";

// What the API answers to a request; its sentence is thrown when it refuses. Somebody who is not signed in any more goes to the door,
// unless they stand there.
export async function ask(method, path, body, atDoor = false) {
  const init = { method, signal: AbortSignal.timeout(LIMIT_MS) };
  if (body) Object.assign(init, { headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const response = await fetch(`/api/v1/${path}`, init).catch((fault) => {
    throw new Error(fault.name === "TimeoutError" ? "The server does not answer. Try again." : "The server cannot be reached. Try again.");
  });
  const text = await response.text();
  const answer = response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : {};
  if (response.ok) return { status: response.status, ...answer };
  if (answer.code === "unauthenticated" && !atDoor) location.assign(SIGN_IN);
  throw Object.assign(new Error(sentence(answer, response.status)), { code: answer.code });
}

// One sentence for people. Where fields are not right, they say what is wrong themselves.
function sentence({ detail, errors }, status) {
  const fields = (errors ?? []).map(({ field, message }) => `${field.slice(1)}: ${message}`).join("; ");
  const said = fields || detail;
  return said ? said.charAt(0).toUpperCase() + said.slice(1) + (/[.!?]$/.test(said) ? "" : ".") : `The server answered ${status}.`;
}
