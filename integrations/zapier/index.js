/** The app of Triggers on Zapier: what people build Zaps from. */
const { version: platformVersion } = require("zapier-platform-core");
const { version } = require("./package.json");
const { authentication, addKey, tellRefusals } = require("./authentication");
const newEvent = require("./triggers/newEvent");
const sendEvent = require("./creates/sendEvent");
const findEvent = require("./searches/findEvent");

module.exports = {
  version,
  platformVersion,
  authentication,
  beforeRequest: [addKey],
  afterResponse: [tellRefusals],
  triggers: { [newEvent.key]: newEvent },
  creates: { [sendEvent.key]: sendEvent },
  searches: { [findEvent.key]: findEvent },
};
