// Light or dark: as the system has it, until the reader chooses.

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = [];

export const isDark = () => root.dataset.theme === "dark";

export function onThemeChange(listener) {
  listeners.push(listener);
}

export function toggleTheme() {
  system.removeEventListener("change", follow);
  set(!isDark());
}

function follow() {
  set(system.matches);
}

function set(dark) {
  root.dataset.theme = dark ? "dark" : "light";
  for (const listener of listeners) listener();
}

system.addEventListener("change", follow);
follow();
