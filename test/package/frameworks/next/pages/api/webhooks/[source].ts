import { createNextApiHandler } from "affonso-relay/next";
import type { NextApiHandler } from "next";

export const config = { api: { bodyParser: false } };

const handler: NextApiHandler = (request, response) => createNextApiHandler(servedRelay)(request, response);
export default handler;
