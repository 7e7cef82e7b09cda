/** Light, dark, or as the system has it; remembered. */

const KEY = "signoff-demo-theme";
const dark = window.matchMedia("(prefers-color-scheme: dark)");

export const isDark = () => document.documentElement.dataset.theme === "dark";

export function followTheme(changed) {
  const apply = () => {
    const chosen = localStorage.getItem(KEY);
    document.documentElement.dataset.theme = chosen ?? (dark.matches ? "dark" : "light");
    changed();
  };
  dark.addEventListener("change", apply);
  apply();
  return () => {
    localStorage.setItem(KEY, isDark() ? "light" : "dark");
    apply();
  };
}
