import ts from "typescript";
import { expect, it } from "vitest";
import { root } from "./built.js";

it("the types of withReferral fit those of Stripe 17 as well", () => {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const file = `${root}test/types/referral-stripe.ts`;
  // Version 17 declares the module "stripe" for the whole program, which outdoes what is installed under that name.
  const stripe17 = `${root}node_modules/stripe17/types/index.d.ts`;
  const program = ts.createProgram([file, stripe17], options);
  const declared = program.getTypeChecker().getAmbientModules();
  expect(declared.map(({ name }) => name)).toContain('"stripe"');
  const problems = ts.getPreEmitDiagnostics(program, program.getSourceFile(file));
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
}, 120_000);
