/** A platform's address and an API key with the scopes `subscriptions`, `events:read` and `events:write`. */
const authentication = {
  type: "custom",
  fields: [
    {
      key: "base_url",
      label: "URL",
      type: "string",
      required: true,
      helpText: "Address of your Triggers platform, such as https://triggers.example.com",
    },
    {
      key: "api_key",
      label: "API key",
      type: "password",
      required: true,
      helpText:
        "Create one under API keys in the console, with the scopes subscriptions, events:read and events:write.",
    },
  ],
  // Proves the key, and that it may do what the trigger needs.
  test: { url: "{{bundle.authData.base_url}}/subscriptions", params: { limit: 1 } },
  connectionLabel: "{{bundle.authData.base_url}}",
};

const addKey = (request, _z, bundle) => {
  if (bundle.authData.api_key) request.headers.authorization = `Bearer ${bundle.authData.api_key}`;
  return request;
};

/** A refusal as people read it: the platform's own words, with the place in what they filled in. */
const tellRefusals = (response, z) => {
  if (response.status < 400) return response;
  const { error } = response.data ?? {};
  const where = (error?.details ?? []).map(({ path, message }) => `${path ?? ""} ${message}`.trim());
  const message = [error?.message ?? `The platform answered ${response.status}.`, ...where].join(" ");
  if (response.status === 401) throw new z.errors.ExpiredAuthError(message);
  if (response.status === 429)
    throw new z.errors.ThrottledError(message, Number(response.getHeader("retry-after") ?? 1));
  throw new z.errors.Error(message, error?.code ?? "unknown", response.status);
};

module.exports = { authentication, addKey, tellRefusals };
