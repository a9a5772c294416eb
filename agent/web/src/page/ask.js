// The interface of the agent. Every failure is an error with a sentence in it.

let csrf = null;

/** What went wrong, with the status of the answer (0: nobody answered) and the name of the failure. */
export class Refused extends Error {
  constructor(status, text, code = null) {
    super(text);
    this.status = status;
    this.code = code;
  }
}

/** The word that changes of this session carry. */
export function carry(word) {
  csrf = word;
}

/** Questions that were asked before what shows the answers was ready to. */
const ahead = new Map();

/** Asks, or changes something; gives what was answered. */
export async function ask(method, path, body) {
  // What was asked before a change tells of the time before it.
  if (method !== "GET") ahead.clear();
  const headers = {};
  if (body !== undefined) headers["content-type"] = "application/json";
  if (method !== "GET" && csrf !== null) headers["x-csrf-token"] = csrf;
  let answer;
  try {
    answer = await fetch(`/api/v1/${path}`, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    throw new Refused(0, String(error));
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, told.error ?? answer.statusText, told.code ?? null);
  return told;
}

/** Asks at once what is asked for next, in place of what was asked so before. What goes wrong is told to whom asks then. */
export function askAhead(paths) {
  ahead.clear();
  for (const path of paths) {
    const answer = ask("GET", path);
    answer.catch(() => {});
    ahead.set(path, answer);
  }
}

/** Asks, or takes the answer to what was asked ahead: once, for it grows old. */
export function get(path) {
  const told = ahead.get(path);
  ahead.delete(path);
  return told ?? ask("GET", path);
}
