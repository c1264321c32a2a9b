"""The template as plain CloudFormation, made without a network."""

import copy
import json
import logging
import os
import pathlib
import re
import sys

REGION = "eu-central-1"
# The translator wants to know a region, and nothing here may reach a cloud.
os.environ.update(AWS_DEFAULT_REGION=REGION, AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing")

from samtranslator.parser.parser import Parser  # noqa: E402
from samtranslator.translator.translator import Translator  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

# It has much to say about features of its own that are off.
logging.getLogger("samtranslator").setLevel(logging.CRITICAL)

TEMPLATE = pathlib.Path(__file__).resolve().parent / "template.yaml"
STAND_INS = {"MongoHost": "cluster.example.net"}

# The emulation makes none of these, or only where other services run, too.
NOT_EMULATED = (
    "AWS::ApiGatewayV2::",
    "AWS::CloudWatch::",
    "AWS::CodeDeploy::",
    "AWS::Lambda::",
    "AWS::Route53::",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::",
)


def plain(parameters):
    """The template as CloudFormation without SAM, with these parameters and all others at their defaults."""
    template = yaml_parse(TEMPLATE.read_text())
    for resource in template["Resources"].values():
        # Code is uploaded when it is deployed; the translator wants to see an address.
        if resource["Type"] == "AWS::Serverless::Function":
            folder = pathlib.PurePath(resource["Properties"]["CodeUri"]).name
            resource["Properties"]["CodeUri"] = f"s3://artifacts/{folder}.zip"
    given = {name: one["Default"] for name, one in template["Parameters"].items() if "Default" in one}
    given.update(STAND_INS, **parameters)
    unknown = given.keys() - template["Parameters"].keys()
    if unknown:
        sys.exit(f"template-check: no such parameter: {', '.join(sorted(unknown))}")
    made = Translator({}, Parser()).translate(template, given)
    for name, value in given.items():
        made["Parameters"][name]["Default"] = value
    return made


def names_in(node):
    """What a part of a template refers to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref":
                yield value
            elif key == "Fn::GetAtt":
                yield value.split(".")[0] if isinstance(value, str) else value[0]
            elif key == "Fn::Sub":
                text = value if isinstance(value, str) else value[0]
                yield from (name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text))
                yield from names_in(value)
            elif key == "DependsOn":
                yield from [value] if isinstance(value, str) else value
            else:
                yield from names_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from names_in(value)


def for_emulation(template):
    """Without what the emulation cannot make, and without whatever refers to that."""
    template = copy.deepcopy(template)
    resources, outputs = template["Resources"], template["Outputs"]
    gone = {name for name, one in resources.items() if one["Type"].startswith(NOT_EMULATED)}
    while more := {name for name, one in resources.items() if name not in gone and gone.intersection(names_in(one))}:
        gone |= more
    template["Resources"] = {name: one for name, one in resources.items() if name not in gone}
    template["Outputs"] = {name: one for name, one in outputs.items() if not gone.intersection(names_in(one))}
    template.pop("Rules", None)
    for one in template["Resources"].values():
        # The service takes the pattern of an archive as it stands; the emulation wants its text.
        if one["Type"] == "AWS::Events::Archive":
            one["Properties"]["EventPattern"] = json.dumps(one["Properties"]["EventPattern"])
    return template
