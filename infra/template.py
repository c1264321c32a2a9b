"""Lints the template, makes plain CloudFormation of it, and deploys it to an emulation of AWS.

Started by tests/template-check, which says what the arguments mean.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

from emulation import Emulation, Stack, check_deployment
from transform import TEMPLATE, for_emulation, plain

JWT = {"AuthorizerMode": "jwt", "IssuerUrl": "https://issuer.example", "IssuerAudience": "api://default"}
# What a function becomes at least, besides its role and log.
OF_A_FUNCTION = ("AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::CodeDeploy::DeploymentGroup")
MOST_RESOURCES = 500
MOST_BYTES = 1_000_000


def lint():
    """cfn-lint's findings, none of which is let through; exceptions stand in the template, each with its reason."""
    program = pathlib.Path(sys.executable).with_name("cfn-lint")
    command = [program, "--non-zero-exit-code", "informational", "--", TEMPLATE]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit("template-check: cfn-lint has something to say")
    lines = TEMPLATE.read_text().splitlines()
    for before, line in zip(lines, lines[1:]):
        if "ignore_checks" in line and not before.lstrip().startswith("#"):
            sys.exit(f"template-check: a check is ignored without a reason: {line.strip()}")


def check_transformed():
    """Both modes become CloudFormation, whole and within the limits of a stack."""
    for mode, parameters in (("authorizer", {}), ("jwt", JWT)):
        made = plain(parameters)
        resources = made["Resources"]
        types = [one["Type"] for one in resources.values()]
        assert not [kind for kind in types if kind.startswith("AWS::Serverless")], types
        functions = types.count("AWS::Lambda::Function")
        for kind in OF_A_FUNCTION:
            assert types.count(kind) == functions, (kind, types.count(kind), functions)
        for name, one in resources.items():
            if one["Type"] == "AWS::Lambda::Alias":
                assert "CodeDeployLambdaAliasUpdate" in one["UpdatePolicy"], name
            if one["Type"] == "AWS::Lambda::EventSourceMapping":
                assert "Ref" in one["Properties"]["FunctionName"], f"{name} does not follow an alias"
            if one["Type"] == "AWS::CloudWatch::Dashboard":
                json.loads(re.sub(r"\$\{[^}]+\}", "x", one["Properties"]["DashboardBody"]["Fn::Sub"]))
        paths = resources["Api"]["Properties"]["Body"]["paths"]
        size = len(json.dumps(made, separators=(",", ":")))
        assert len(types) <= MOST_RESOURCES and size <= MOST_BYTES, (len(types), size)
        print(f"template-check: {mode}: {len(types)} resources, {len(paths)} paths, {size} bytes", file=sys.stderr)
    for one in (plain({"Revision": digit * 64}) for digit in "ab"):
        versions = [name for name in one["Resources"] if "Version" in name]
        assert len({name[-10:] for name in versions}) == 1, f"a revision makes a version of each function: {versions}"


def write(path, document):
    path.write_text(json.dumps(document, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(prog="tests/template-check")
    parser.add_argument("--transform", metavar="OUT.json", type=pathlib.Path)
    parser.add_argument("--emulator", action="store_true")
    parser.add_argument("--deploy", metavar="OUT.json", type=pathlib.Path)
    parser.add_argument("--url")
    parser.add_argument("--stack", default="eventdesk")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    asked = parser.parse_args()
    if any("=" not in one for one in asked.parameter):
        parser.error("a parameter is NAME=VALUE")
    parameters = dict(one.split("=", 1) for one in asked.parameter)
    if asked.transform is not None:
        made = plain(parameters)
        write(asked.transform, for_emulation(made) if asked.emulator else made)
    elif asked.deploy is not None:
        if asked.url is None:
            parser.error("--deploy needs the --url of an emulation")
        with Emulation(asked.url) as emulation:
            stack = Stack(emulation, asked.stack, parameters)
            write(asked.deploy, {"outputs": stack.outputs, "functions": stack.functions(), "routes": stack.routes()})
    else:
        if asked.emulator or parameters:
            parser.error("--emulator and --parameter belong to --transform and --deploy")
        lint()
        check_transformed()
        check_deployment()
        print("template-check: passed", file=sys.stderr)


if __name__ == "__main__":
    main()
