// Which language is spoken, and texts in it: each page has its own in words.js, in English and German. `{name}` is filled in.
import { TEXTS } from "/page/words.js";

export const LANGUAGES = { en: "English", de: "Deutsch" };

let chosen = "en";

/** The language that was chosen here before, or the browser's. */
export function readLanguage() {
  let kept = null;
  try {
    kept = localStorage.getItem("language");
  } catch {
    // A browser that keeps nothing still shows everything.
  }
  const wanted = kept ?? navigator.language.slice(0, 2);
  chosen = wanted in TEXTS ? wanted : "en";
}

export function setLanguage(name) {
  chosen = name in TEXTS ? name : "en";
  try {
    localStorage.setItem("language", chosen);
  } catch {
    // See above.
  }
}

export const language = () => chosen;

/** Whether there is a text of that name. */
export const has = (key) => key in TEXTS[chosen];

/** A text with what is to be filled in. */
export function t(key, values = {}) {
  const text = TEXTS[chosen][key] ?? TEXTS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
