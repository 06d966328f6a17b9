// The one script: says when there is something new. Without it, reload the page.
"use strict";
(() => {
  const path = document.body.dataset.live;
  if (!path || !window.EventSource) return;
  const source = new EventSource(path);
  let told = false;
  source.addEventListener("news", () => {
    if (told) return;
    told = true;
    const note = document.createElement("p");
    note.className = "said";
    note.setAttribute("role", "status");
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = "There is something new: show it";
    note.append(link);
    document.getElementById("main").prepend(note);
    // Nothing typed is lost: only a page without a form in use shows it by itself.
    const typing = [...document.querySelectorAll("textarea, input:not([type=hidden])")]
      .some((field) => field.value !== field.defaultValue || field === document.activeElement);
    if (!typing && window.scrollY < 40) location.reload();
  });
  window.addEventListener("pagehide", () => source.close());
})();
