// Which language and which program, decided before anything is painted; then both are fetched side by side. It stands in the page itself,
// by its hash in the security policy, so that neither waits for another file.
(() => {
  const packs = {{packs}};
  const programs = { shop: ["{{shop_js}}", "{{shop_wasm}}"], order: ["{{order_js}}", "{{order_wasm}}"] };
  const known = (name) => Object.prototype.hasOwnProperty.call(packs, name);
  const root = document.documentElement;
  const path = location.pathname.slice(1);
  const landing = path === "" || known(path);
  let chosen = null;
  try {
    chosen = localStorage.getItem("kindling.language");
  } catch {
    // Where nothing is kept the browser's own language is taken.
  }
  const wished = [chosen ?? "", ...(navigator.languages || [navigator.language || "en"])].map((tag) => tag.split("-")[0].toLowerCase()).find(known) ?? "en";
  if (path === "" && wished !== "en") return location.replace(`/${wished}${location.search}${location.hash}`);

  const language = landing ? path || "en" : wished;
  const program = landing ? "shop" : "order";
  root.lang = language;
  root.dir = packs[language].rtl ? "rtl" : "ltr";
  root.dataset.program = program;

  // The browser offers this once, perhaps before the program runs that shows the button for it.
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    window.kindlingInstall = event;
  });

  // A style that does not load is no reason to show nothing.
  const dressed = landing || new Promise((done) => {
    const style = document.createElement("link");
    style.onload = style.onerror = done;
    style.rel = "stylesheet";
    style.href = "{{order_css}}";
    document.head.append(style);
  });
  // Neither an error nor, from a server that knows no better, the first page.
  const textOf = (answer) => (answer.ok && /^text\/plain/.test(answer.headers.get("content-type")) ? answer.text() : Promise.reject(answer.status));

  // Before it writes its first figure the browser reads what it knows of all languages, which takes a phone long: behind the first frame, while
  // the program is on its way.
  requestAnimationFrame(() => setTimeout(() => new Intl.NumberFormat(language)));

  // Not before the page's own text is here, which is what people read meanwhile.
  document.addEventListener("DOMContentLoaded", async () => {
    if (!landing) {
      document.getElementById("opening").textContent = packs[language].opening;
      document.getElementById("boot-trouble").textContent = packs[language].broken;
    }
    for (const link of document.querySelectorAll("[data-language]")) {
      if (link.lang === language) link.setAttribute("aria-current", "true");
      link.addEventListener("click", (event) => {
        try {
          localStorage.setItem("kindling.language", link.lang);
        } catch {
          return;
        }
        // An order stays where it is, in the other language.
        if (landing) return;
        event.preventDefault();
        location.reload();
      });
    }
    try {
      const [code, wasm] = programs[program];
      const words = fetch(packs[language][program]).then(textOf);
      const module = fetch(wasm);
      // Every program asks this first, and would wait for it. What goes wrong is said by the program.
      const asking = { cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(20000) };
      window.kindlingCatalogue = fetch("/api/catalogue", asking).then(async (answer) => [answer.ok, await answer.text()]);
      window.kindlingCatalogue.catch(() => {});
      const [{ default: init }, text] = await Promise.all([import(code), words, dressed]);
      window.kindlingWords = text;
      await init({ module_or_path: module });
    } catch {
      document.getElementById("boot-trouble").hidden = false;
      for (const waiting of document.querySelectorAll(".skeleton, #opening")) waiting.remove();
    }
  });
})();
