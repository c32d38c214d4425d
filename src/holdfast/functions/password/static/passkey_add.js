// Asks the browser for a new passkey. All else is a form: this fills its one field and sends it.
"use strict";
(function () {
  const form = document.getElementById("passkey");
  if (!form || !window.PublicKeyCredential) { return; }
  const bytes = (text) => {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  };
  const text = (buffer) => {
    const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte));
    return btoa(letters.join("")).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };
  const asked = () => {
    const options = JSON.parse(form.dataset.options);
    options.challenge = bytes(options.challenge);
    options.user.id = bytes(options.user.id);
    for (const known of options.excludeCredentials || []) { known.id = bytes(known.id); }
    return options;
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    if (form.elements.answer.value) { return; }
    event.preventDefault();
    navigator.credentials.create({ publicKey: asked() }).then((made) => {
      const response = made.response;
      form.elements.answer.value = JSON.stringify({
        id: made.id,
        rawId: text(made.rawId),
        type: made.type,
        clientExtensionResults: made.getClientExtensionResults(),
        authenticatorAttachment: made.authenticatorAttachment,
        response: {
          clientDataJSON: text(response.clientDataJSON),
          attestationObject: text(response.attestationObject),
          transports: response.getTransports ? response.getTransports() : [],
        },
      });
      form.submit();
    }).catch(() => {
      form.submit();  // without an answer: the page says what that means
    });
  });
})();
