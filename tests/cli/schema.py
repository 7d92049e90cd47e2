# tests/cli/schema.py -- `lyne schema` as an editor reads it: every shipped recipe is fine by it, and every bad one of
# tests/recipe/bad_recipes.h is not, but for what no schema can say.   schema.py SCHEMA SOURCE
import ast
import glob
import json
import re
import sys

import jsonschema
import yaml

from core_yaml import read

# What a schema cannot say, by the replacement and the words of the error, and why.
BEYOND = [
    (r"there is no stage|stands below|is this stage itself|makes (a model|soft labels)|is the model itself"
     r"|at temperature 1 alone|no (teacher|model) here", "other stages of the file"),
    (r"reads the validation split", "the data of the file"),
    (r"there is no datasets/|data set 'tiny'|tiny.yaml lists|but there are 10 classes", "the description of the data set"),
    (r"its logits are made by|mixed ones have two|-- (pool3|layer2.0.bn2)|name nodes of one kind|the last layer makes"
     r"|reads tokens", "the shapes of a model"),
    (r"sweep: .* -- ", "what a path of a sweep leads to"),
    (r"give classes or without|listens to the teacher|more than 8 terms|loss is an empty list|nobody teaches"
     r"|views without augment|augment: (mixup|the prob)|nesterov looks ahead|must rise from",
     "what the fields of one row are to each other, which the row says in C"),
    (r"not '1e3'", "how a number is written: to JSON 1e3 is 1000"),
]


def bad_recipes(source):
    """The good recipe, and of each row what is replaced, by what, and the words of the error."""
    text = open(source + "/tests/recipe/bad_recipes.h").read()
    literal = r'"(?:[^"\\]|\\.)*"'
    string = lambda parts: "".join(ast.literal_eval(p) for p in re.findall(literal, parts))
    good = string(re.search(r"good_recipe\[\] = ((?:\s*%s)+);" % literal, text).group(1))
    table = text[text.index("bad_recipes[] = {"):text.index("bad_descriptions[] = {")]
    rows = re.findall(r"^    \{(%s), (%s), \d+, \d+, (%s)" % (literal, literal, literal), table, re.M)
    return good, [tuple(string(cell) for cell in row) for row in rows]


def main(schema, source):
    schema = json.load(open(schema))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    recipes = glob.glob(source + "/recipes/**/*.yaml", recursive=True)
    good, rows = bad_recipes(source)
    wrong = 0
    for file in recipes:
        for error in validator.iter_errors(read(open(file).read())):
            print("%s: %s" % (file, error.message))
            wrong += 1
    if not validator.is_valid(read(good)):
        print("the recipe that is spoilt is not good")
        wrong += 1
    refused, excused = 0, set()
    for before, after, words in rows:
        try:
            fine = validator.is_valid(read(good.replace(before, after)))
        except yaml.YAMLError:
            fine = False
        reasons = [why for pattern, why in BEYOND if re.search(pattern, after + " -- " + words, re.S)]
        refused += not fine
        if fine and not reasons:
            print("the schema is fine with %r -> %r (%s)" % (before, after, words))
            wrong += 1
        elif fine:
            excused.add(reasons[0])
    for _, why in BEYOND:
        if why not in excused:
            print("no bad recipe needs the excuse: %s" % why)
            wrong += 1
    print("%d shipped recipes; of %d bad ones %d refused" % (len(recipes), len(rows), refused))
    return 1 if wrong or len(recipes) < 18 or refused < 100 else 0


sys.exit(main(*sys.argv[1:]))
