# tests/cli/core_yaml.py -- YAML as the core schema of version 1.2 has it, by PyYAML, which knows 1.1: there `yes` is true,
# 1e3 is a text, and of a key that is given twice the last counts.
import re

import yaml


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    yaml_implicit_resolvers = {}


class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):
    yaml_implicit_resolvers = {}


for kind, pattern, first in [
    ("null", r"~|null|Null|NULL|", "~nN" + "\0"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
]:
    letters = ["" if c == "\0" else c for c in first]
    for either in (Loader, Dumper):
        either.add_implicit_resolver("tag:yaml.org,2002:" + kind, re.compile("^(?:%s)$" % pattern), letters)


def once(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    if len(set(keys)) < len(keys):
        raise yaml.YAMLError("a key is given twice")
    return dict(zip(keys, [loader.construct_object(value, deep=True) for _, value in node.value]))


Loader.add_constructor("tag:yaml.org,2002:map", once)


def read(text):
    return yaml.load(text, Loader)


def write(value):
    return yaml.dump(value, Dumper=Dumper, sort_keys=False, width=1000)
