import { sqliteOutbox } from "../../src/outbox/sqlite.js";
import { describeOutbox } from "../contract/outbox-store.js";
import { newPath } from "../helpers/outbox/files.js";
import { recordingLogger } from "../helpers/relay.js";

describeOutbox("sqliteOutbox", {
  async make(options) {
    const all = { path: newPath(), logger: recordingLogger().logger, ...options };
    return { outbox: sqliteOutbox(all), reopen: async () => sqliteOutbox(all) };
  },
});
