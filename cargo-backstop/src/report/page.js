const search = document.getElementById("search");
const boxes = [...document.querySelectorAll("header input[type=checkbox]")];
const functions = [...document.querySelectorAll(".function")];
function show() {
  const wanted = search.value.toLowerCase();
  const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  for (const one of functions) {
    const found = one.textContent.toLowerCase().includes(wanted);
    one.hidden = !(found && verdicts.has(one.dataset.verdict));
  }
}
search.addEventListener("input", show);
boxes.forEach((box) => box.addEventListener("change", show));
document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.classList.contains("dark")
    || (!root.classList.contains("light") && matchMedia("(prefers-color-scheme: dark)").matches);
  root.classList.toggle("dark", !dark);
  root.classList.toggle("light", dark);
});
