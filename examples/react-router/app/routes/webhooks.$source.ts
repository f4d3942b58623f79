import type { ActionFunctionArgs, LoaderFunctionArgs } from "react-router";
import { handleWebhook } from "../relay.server.js";

/** Takes `POST /webhooks/stripe`. */
export const action = ({ request }: ActionFunctionArgs) => handleWebhook(request);

/** Answers 405 to a GET, which React Router would answer with 400 and an error in its log. */
export const loader = ({ request }: LoaderFunctionArgs) => handleWebhook(request);
