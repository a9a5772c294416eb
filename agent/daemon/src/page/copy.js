// Pseudonyms of meters, short to be read and whole to be copied.
import { say } from "/page/app.js";
import { el } from "/page/draw.js";
import { short } from "/page/figures.js";
import { t } from "/page/texts.js";

/** Shown in full, because this browser copied nothing by itself; kept, so that an update of the view does not hide them. */
const whole = new Set();

/** Copies a text by the browser's own means; over plain http there is only the old one. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = el("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1", readonly: true });
    field.value = text;
    document.body.append(field);
    const focused = document.activeElement;
    field.select();
    let done = false;
    try {
      done = document.execCommand("copy");
    } catch {
      // Then it is selected where it is seen.
    }
    field.remove();
    focused?.focus({ preventScroll: true });
    return done;
  }
}

/** The whole pseudonym, ready to be copied by hand. */
const inFull = (meter) => el("code", { class: "whole", tabindex: "-1" }, meter);

/** A meter as a button that copies its pseudonym. `id`: tells it from others of the same view. */
export function pseudonym(meter, id) {
  const button = el("button", { type: "button", class: "copy", id: `copy-${id}`, title: meter, "aria-label": `${short(meter)}: ${t("copyIt")}`, onclick: async () => {
    if (await copied(meter)) {
      say(t("saidCopied", { meter: short(meter) }));
      return;
    }
    whole.add(meter);
    const there = button.parentElement.querySelector(".whole") ?? inFull(meter);
    button.after(there);
    getSelection().selectAllChildren(there);
    say(t("copyByHand"));
  } }, short(meter), el("span", { class: "sign", "aria-hidden": "true" }));
  return el("span", { class: "meter" }, button, whole.has(meter) ? inFull(meter) : null);
}
