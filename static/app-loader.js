// Brings the page's wasm up. A file of its own because the security policy forbids inline scripts.
import init from "{{app_js}}";

// The served text belongs to the landing page; on an order's address it would only flash by.
if (location.pathname !== "/") document.getElementById("main").replaceChildren();

init({ module_or_path: "{{app_wasm}}" });
