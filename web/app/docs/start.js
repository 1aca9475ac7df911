// Shows this server's own description. Nothing is asked of another origin: no validator, no fonts.
window.viewer = window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#viewer",
  deepLinking: true,
  validatorUrl: null,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  // The token stays in this tab.
  persistAuthorization: false,
});
