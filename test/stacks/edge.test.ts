import { App, Testing } from "cdktf";
import { EdgeStack } from "../../stacks/edge";
import { logicalIds } from "../support/plans";

const stack = new EdgeStack(new App());
const plan = JSON.parse(Testing.synth(stack));

test("logical ids are a contract with every deployed environment", () => {
  expect(logicalIds(plan)).toMatchSnapshot();
});

test("the summary says what the environment is", () => {
  expect(stack.cluster.summary).toMatchSnapshot();
});

test("needs the one provider that its resources are of", () => {
  expect(Object.keys(plan.provider)).toEqual(["docker"]);
});
