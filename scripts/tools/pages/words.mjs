// Texts that one language of a page has and another has not: words.mjs FILE. Nothing is printed where there are none.
import { pathToFileURL } from "node:url";

const { TEXTS } = await import(pathToFileURL(process.argv[2]).href);
const [en, de] = [Object.keys(TEXTS.en), Object.keys(TEXTS.de)];
console.log([...en.filter((key) => !de.includes(key)), ...de.filter((key) => !en.includes(key))].join());
