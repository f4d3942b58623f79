// AWS's runtime posts its results through curl, wrapped in an addon that is compiled on the machine it is installed on.
// These two requests in its place are all that is not AWS's own; the runtime asks for its work by node:http itself.
const { request } = require("node:http");
const Module = require("node:module");

function post(path, body, headers = {}) {
  const url = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/${path}`;
  request(url, { method: "POST", headers: { "content-type": "application/json", ...headers } }, (answer) =>
    answer.resume(),
  ).end(body);
}

const client = {
  done: (id, result) => post(`${id}/response`, result),
  error: (id, error, cause) => post(`${id}/error`, error, { "Lambda-Runtime-Function-XRay-Error-Cause": cause }),
};

const load = Module._load;
Module._load = (name, ...rest) => (name === "./rapid-client.node" ? client : load(name, ...rest));
