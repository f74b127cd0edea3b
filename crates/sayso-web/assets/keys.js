// Passkeys: has the browser make one or sign with one, and sends what came of it with the form.
"use strict";

addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  if (!form.dataset.passkey || event.defaultPrevented) return;
  // Only one way of deciding is signed: refusing never takes a key.
  const decision = new FormData(form, submitter).get("decision");
  if (form.dataset.when && !form.dataset.when.split(" ").includes(decision)) return;
  // Sent again with what was signed.
  if (form.dataset.signed) return;
  event.preventDefault();
  ceremony(form, submitter).catch((error) => tell(form, reason(error)));
});

async function ceremony(form, submitter) {
  tell(form, "");
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
    throw new Error("This browser knows no passkeys, or this page’s address is not secure.");
  }
  const options = form.dataset.options ? JSON.parse(form.dataset.options) : await asked(form, submitter);
  const credential = form.dataset.passkey === "create"
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  put(form, "credential", JSON.stringify(credential.toJSON()));
  form.dataset.signed = "yes";
  form.requestSubmit(submitter);
}

// Asks the server what is to be signed: it says so for what the form holds now.
async function asked(form, submitter) {
  const response = await fetch(form.dataset.statements, { method: "POST", body: new URLSearchParams(new FormData(form, submitter)) });
  const told = await response.json();
  if (!response.ok) throw new Error(told.detail ?? "The server gave nothing to sign.");
  put(form, "statements", JSON.stringify(told.statements));
  show(form, told.display);
  return told.options;
}

function put(form, name, value) {
  const field = form.elements.namedItem(name) ?? form.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name }));
  field.value = value;
}

// What is signed stands on the page while the authenticator asks.
function show(form, texts) {
  const place = form.querySelector(".signs") ?? form.appendChild(Object.assign(document.createElement("div"), { className: "signs" }));
  place.replaceChildren(...texts.map((text) => Object.assign(document.createElement("pre"), { textContent: text })));
}

// Nobody approves what they have not opened.
for (const pick of document.querySelectorAll("details.pick")) {
  pick.addEventListener("toggle", () => { if (pick.open) pick.querySelector("[name=approve]").disabled = false; });
}

function tell(form, text) {
  let place = form.querySelector(".ceremony");
  if (!place) {
    place = form.appendChild(Object.assign(document.createElement("p"), { className: "ceremony problem" }));
    place.setAttribute("role", "alert");
  }
  place.hidden = !text;
  place.textContent = text;
}

function reason(error) {
  if (error.name === "NotAllowedError") return "Nothing was signed: it was cancelled, or took too long. Try again.";
  if (error.name === "InvalidStateError") return "This authenticator holds a passkey of yours already.";
  if (error.name === "SecurityError") return "Passkeys don’t work at this address: open the inbox by its name.";
  return error.message;
}
