// Begins a transaction on a file, prints "begun", and ends it when its standard input ends.
import { openDatabase } from "../../../src/outbox/sqlite/driver.js";

const [path = "", begin = ""] = process.argv.slice(2);
const database = await openDatabase(path);
database.exec(begin);
const row = database.prepare("SELECT count(*) AS count FROM relay_entries").get() as { count: number };
process.stdout.write(`begun ${row.count}\n`);
process.stdin.on("end", () => {
  database.exec("COMMIT");
  database.close();
});
process.stdin.resume();
