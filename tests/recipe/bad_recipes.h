/* tests/recipe/bad_recipes.h -- recipes with one mistake each: a good one, what is replaced in it by what, and the
 * diagnostic that must come of it.  Read by errors.c. */
#ifndef TESTS_RECIPE_BAD_RECIPES_H
#define TESTS_RECIPE_BAD_RECIPES_H

#include <stddef.h>

static const char good_recipe[] = "lyne: 1\n"
                                  "name: small\n"
                                  "paper: {title: A Title, arxiv: 1503.02531}\n"
                                  "data: {use: tiny}\n"
                                  "seeds: [1, 2]\n"
                                  "precision: f32\n"
                                  "stages:\n"
                                  "  teacher:\n"
                                  "    train: {model: {mlp: {hidden: [8], dropout: {input: 0.1}}}, augment: [{shift: "
                                  "{pixels: 1}}], epochs: 2}\n"
                                  "  soft_labels:\n"
                                  "    label: {teacher: teacher, encoding: f16}\n"
                                  "  student:\n"
                                  "    distill:\n"
                                  "      model: {lenet: {width: 0.5, norm: true}}\n"
                                  "      labels: soft_labels\n"
                                  "      loss: [{kd: {temperature: 4, weight: 0.9}}, cross_entropy]\n"
                                  "      optimizer: {sgd: {lr: 0.1, nesterov: true}}\n"
                                  "      schedule: {cosine: {warmup: 1}}\n"
                                  "  fidelity:\n"
                                  "    evaluate: {model: student, against: teacher}\n"
                                  "expect:\n"
                                  "  - {stage: student, test_errors: 74, within: 11}\n";

/* `more` diagnostics may follow from the same mistake: a key that is misspelt is missing too. */
typedef struct bad_recipe {
    const char *from, *to;
    int line, column;
    const char *words;
    size_t more;
} bad_recipe;

/* clang-format off */
static const bad_recipe bad_recipes[] = {
    /* the top level */
    {"lyne: 1", "lyne: 2", 1, 7, "lyne = 2 is not known here, only 1"},
    {"lyne: 1", "lyne: \"1\"", 1, 7, "lyne expects a whole number, not '1' in quotes"},
    {"lyne: 1\n", "", 1, 1, "'lyne' is missing"},
    {"lyne: 1\n", "lyn: 1\n", 1, 1, "unknown key 'lyn'; did you mean 'lyne'?", 1},
    {"name: small\n", "", 1, 1, "'name' is missing"},
    {"data: {use: tiny}\n", "", 1, 1, "'data' is missing"},
    {"precision: f32\n", "precison: f32\n", 6, 1, "unknown key 'precison'; did you mean 'precision'?"},
    {"precision: f32\n", "precision: bf16\nkeep_f32: [fc1, conv9]\n", 7, 17, "keep_f32: no model here has a node or a block 'conv9'; `lyne show` lists them"},
    {"precision: f32\n", "colour: f32\n", 6, 1, "unknown key 'colour'; the keys are lyne, name,"},
    {"precision: f32", "precision: f16", 6, 12, "'f16' is not a choice for precision; did you mean 'bf16'?"},
    {"name: small", "name: ../x", 2, 7, "'../x' cannot name a folder"},
    {"name: small", "name: a/b", 2, 7, "'a/b' cannot name a folder"},
    {"name: small", "name: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 2, 7, "use letters, digits, _ - ., at most 64"},
    {"name: small", "name: ''", 2, 7, "'' cannot name a folder"},
    {"name: small", "name: ~", 2, 7, "'name' has no value"},
    {"name: small", "name: [a]", 2, 7, "name expects text, not a list"},
    {"arxiv: 1503", "arxive: 1503", 3, 25, "unknown key 'arxive'; did you mean 'arxiv'?"},
    {"{title: A Title, arxiv: 1503.02531}", "Hinton", 3, 8, "paper expects a map, not 'Hinton'"},
    /* soft labels that cannot be stored, or be read by who learns from them; a model compared with itself */
    {"encoding: f16", "encoding: {topk: {k: 11}}", 11, 42, "topk: k = 11, but there are 10 classes; give k at most that"},
    {"encoding: f16", "encoding: {sampled: {draws: 9, temperature: 1}}", 16, 15, "good at temperature 1 alone, but kd reads them at 4; give both the same"},
    {"encoding: f16", "encoding: {sampled: {draws: 9}}", 16, 15, "good at temperature 1 alone, but kd reads them at 4; give both the same"},
    {"encoding: f16}\n  student:\n    distill:\n      model: {lenet: {width: 0.5, norm: true}}\n      labels: soft_labels\n      loss: [{kd: {temperature: 4, weight: 0.9}}, cross_entropy]", "encoding: {sampled: {draws: 9}}}\n  student:\n    distill:\n      model: lenet\n      labels: soft_labels", 15, 15, "good at temperature 1 alone, but kd reads them at 4; give both the same"},
    {"encoding: f16}\n  student:\n    distill:\n      model: {lenet: {width: 0.5, norm: true}}\n      labels: soft_labels\n      loss: [{kd: {temperature: 4, weight: 0.9}}, cross_entropy]", "augment: [mixup]}\n  student:\n    distill:\n      model: lenet\n      labels: soft_labels\n      loss: [cross_entropy, dkd]", 14, 14, "dkd needs one label for each picture, and mixed ones have two"},
    {"against: teacher", "against: student", 20, 5, "against is the model itself"},
    /* what other systems let through, or find late: the path of a feature that is not there (torchdistill #481, PaddleSeg
     * #3789), features that cannot be compared (mmrazor #620, #367), other classes than the teacher's (DistillKit #12),
     * labels that nobody reads (DistillKit PR 1, atropos #456), views of the student's own beside the teacher's (the fixed
     * caches), how a loss is averaged (distiller #74, keras-io #869), sections that are skipped (PaddleSlim), a weight
     * that is none (torchdistill's alpha), a network of the wrong kind (mmrazor #589), a recipe that is a program
     * (torchdistill).  Elsewhere in this table: unknown keys, bounds, 64k, teacher and student the same, the best epoch by
     * the test split, a temperature other than the one stored. */
    {"cross_entropy]", "{hint: {student: pool3, teacher: fc1}}]", 16, 68, "pool3"},
    {"cross_entropy]", "{hint: {student: pool2, teacher: layer2.0.bn2}}]", 16, 84, "layer2.0.bn2"},
    {"cross_entropy]", "{hint: {student: pool2, teacher: fc1}}]", 16, 84, "name nodes of one kind, both pictures or both vectors"},
    {"lenet: {width: 0.5, norm: true}", "layers: [flatten, {linear: {units: 7}}]", 14, 34, "the last layer makes (2, 7) where (2, 10) is due, a number for each class"},
    {"epochs: 2}", "epochs: 2, labels: soft_labels}", 9, 109, "train: unknown key 'labels'"},
    {"      labels: soft_labels\n", "      labels: soft_labels\n      augment: [flip]\n", 16, 7, "distill: unknown key 'augment'"},
    {"temperature: 4", "temperature: 4, reduction: mean", 16, 36, "kd: unknown key 'reduction'"},
    {"expect:\n", "distillation: {alpha: 0.5}\nexpect:\n", 21, 1, "recipe: unknown key 'distillation'"},
    {"weight: 0.9", "weight: ~", 16, 44, "'weight' has no value; leave it out for the default, 1"},
    {"lenet: {width: 0.5, norm: true}", "transformer: {width: 8, heads: 2}", 14, 15, "transformer reads tokens (B, L), and the samples of this data set are pictures"},
    {"data: {use: tiny}", "data: !import_call {key: torchvision.datasets.MNIST}", 4, 7, "tags such as !import_call are not used here", 2},
    /* sweep */
    {"expect:\n", "sweep: {stages.student.distill.epochs: 5}\nexpect:\n", 21, 40, "sweep: expects a list of values, as in [1, 4, 20]"},
    {"expect:\n", "sweep: {stages.student.distill.epochs: [5, ~]}\nexpect:\n", 21, 44, "sweep: a value is missing"},
    {"expect:\n", "sweep: {stages.student.distill.epochs: [5, 0]}\nexpect:\n", 21, 44, "distill: epochs = 0 is outside [0.001, 1000000]"},
    {"expect:\n", "sweep: {stages.student.distill.epohcs: [5, 6]}\nexpect:\n", 21, 9, "distill: unknown key 'epohcs'; did you mean 'epochs'?"},
    {"expect:\n", "sweep: {seeds: [[1], [2]]}\nexpect:\n", 21, 9, "sweep: a path begins with stages., precision, data or blocks., as in stages.stud"},
    {"expect:\n", "sweep: 5\nexpect:\n", 21, 8, "sweep: expects {path: [values]} or [{path: value}, ...]"},
    {"expect:\n", "sweep: []\nexpect:\n", 21, 8, "sweep: expects {path: [values]} or [{path: value}, ...]"},
    {"expect:\n", "sweep: [{precision: f32}, {precision: f64}]\nexpect:\n", 21, 39, "recipe: 'f64' is not a choice for precision; the choices are f32, bf16, auto"},
    {"expect:\n", "sweep: [{precision: f32}, {data: tiny}]\nexpect:\n", 21, 27, "sweep: every point names the same paths as the first"},
    {"expect:\n", "sweep: [5]\nexpect:\n", 21, 9, "sweep: a point is a map, as in {stages.student.distill.epochs: 5}"},
    {"expect:\n", "sweep: {stages.student.distill.labels: [soft_labels, teacher]}\nexpect:\n", 21, 54, "student: labels expects a stage that makes soft labels; 'teacher' makes a model"},
    {"expect:\n", "sweep: {stages.student.distill.labels: [soft_labels, hard]}\nexpect:\n", 21, 54, "student: there is no stage 'hard' above that makes soft labels"},
    {"expect:\n", "sweep: {stages.teacher: [{train: {model: mlp}}, {label: {teacher: x}}]}\nexpect:\n", 21, 49, "sweep: teacher = {label: {teacher: x}}: soft_labels: teacher expects a stage tha", 2},
    {"expect:\n", "sweep: {precision: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17], stages.student.distill.epochs: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}\nexpect:\n", 21, 8, "sweep: more than 256 points"},
    {"expect:\n", "sweep: {stages.student.distill.loss.7.kd.temperature: [1, 2]}\nexpect:\n", 21, 9, "'stages.student.distill.loss' is a list of 2; its places are 0, 1, ..., not '7'"},
    {"expect:\n", "sweep: {stages.student..epochs: [1, 2]}\nexpect:\n", 21, 9, "a step of the path is empty"},
    /* seeds */
    {"seeds: [1, 2]", "seeds: []", 5, 8, "seeds is an empty list"},
    {"seeds: [1, 2]", "seeds: 3", 5, 8, "seeds expects a list, not '3'"},
    {"seeds: [1, 2]", "seeds: ~", 5, 8, "'seeds' has no value"},
    {"seeds: [1, 2]", "seeds: [1, 2, 1]", 5, 15, "1 stands there twice"},
    {"seeds: [1, 2]", "seeds: [1, -2]", 5, 12, "seeds = -2 is outside [0,"},
    {"seeds: [1, 2]", "seeds: [1, 1.5]", 5, 12, "seeds expects a whole number, not '1.5'"},
    /* the data set */
    {"data: {use: tiny}", "data: {use: tyni}", 4, 13, "there is no datasets/tyni.yaml; did you mean 'tiny'?"},
    {"data: {use: tiny}", "data: nowhere", 4, 7, "there is no datasets/nowhere.yaml"},
    {"data: {use: tiny}", "data: {use: ../datasets/tiny}", 4, 13, "there is no datasets/../datasets/tiny.yaml"},
    {"data: {use: tiny}", "data: {used: tiny}", 4, 8, "unknown key 'used'; did you mean 'use'?", 1},
    {"data: {use: tiny}", "data: {use: tiny, validation: -1}", 4, 31, "validation = -1 is outside"},
    {"cross_entropy]\n", "cross_entropy]\n      show: {classes: [a, bb]}\n", 17, 27, "student: data set 'tiny' has no class 'bb'; did you mean 'b'?"},
    {"cross_entropy]\n", "cross_entropy]\n      show: {without: [elephant]}\n", 17, 24, "no class 'elephant'; datasets/tiny.yaml lists them"},
    {"cross_entropy]\n", "cross_entropy]\n      show: {without: [a], classes: [b]}\n", 13, 5, "give classes or without, not both"},
    {"cross_entropy]\n", "cross_entropy]\n      keep: best\n", 17, 7, "student: keep reads the validation split, and there is none"},
    {"cross_entropy]\n", "cross_entropy]\n      keep: first\n", 17, 13, "keep"},
    {"data: {use: tiny}", "data: [tiny]", 4, 7, "data: expects a map, not a list"},
    {"data: {use: tiny}", "data: {use: [tiny]}", 4, 13, "use expects text, not a list"},
    {"cross_entropy]\n", "cross_entropy]\n      show: {without: [a, b, c, d, e, f, g, h, i, j]}\n", 17, 24, "student: these are all classes of data set 'tiny'; name fewer"},
    {"evaluate: {model: student, against: teacher}", "bias: {model: student, classes: [a, b, c, d, e, f, g, h, i, j]}", 20, 38, "fidelity: these are all classes of data set 'tiny'; name fewer"},
    {"mlp: {hidden: [8], dropout: {input: 0.1}}}, augment: [{shift: {pixels: 1}}], epochs: 2}\n  soft_labels:\n    label: {teacher: teacher, encoding: f16}", "layers: [{conv2d: {filters: classes}}, global_avg_pool]}, epochs: 2}\n  soft_labels:\n    label: {teacher: teacher, encoding: feature}", 11, 41, "its logits are made by global_avg_pool (global_avg_pool), and features are what goes into a linear layer"},
    /* kinds of stages and their names */
    {"train: {model", "trian: {model", 9, 5, "there is no stage 'trian'; did you mean 'train'?"},
    {"train: {model", "shrink: {model", 9, 5, "there is no stage 'shrink'; the stages are"},
    {"evaluate: {model: student, against: teacher}", "evaluate: {model: student}\n    train: {model: mlp}", 20, 5, "expects one stage, as in {evaluate: {model: student, against: teacher}}; here are 2 keys"},
    {"  fidelity:\n    evaluate: {model: student, against: teacher}\n", "  fidelity:\n", 19, 3, "expects one stage"},
    {"evaluate: {model: student, against: teacher}", "- evaluate", 20, 5, "expects one stage, as in"},
    {"\n    evaluate: {model: student, against: teacher}", " evaluate", 19, 13, "'model' is missing"},
    {"  fidelity:", "  student:", 19, 3, "'student' is given twice; the first is on line 12"},
    {"  fidelity:", "  a/b:", 19, 3, "'a/b' cannot name a folder"},
    {"  fidelity:", "  \"\":", 19, 3, "'' cannot name a folder"},
    {"  fidelity:", "  .lock:", 19, 3, "'.lock' cannot name a folder"},
    {"  fidelity:", "  results.json:", 19, 3, "'results.json' is the name of a file"},
    {"  fidelity:", "  recipe.yaml:", 19, 3, "'recipe.yaml' is the name of a file"},
    {"  fidelity:", "  log.txt:", 19, 3, "'log.txt' is the name of a file"},
    {"  fidelity:", "  environment.json:", 19, 3, "'environment.json' is the name of a file"},
    {"  fidelity:", "  a.tmp.1:", 19, 3, "'a.tmp.1' is the name of a file"},
    /* components */
    {"mlp: {hidden", "mpl: {hidden", 9, 21, "there is no model 'mpl'; did you mean 'mlp'?"},
    {"lenet: {width", "recurrent: {width", 14, 15, "there is no model 'recurrent'; the models are"},
    {"kd: {temperature", "kl: {temperature", 16, 15, "there is no loss 'kl'; did you mean 'kd'?"},
    {"cross_entropy]", "crossentropy]", 16, 51, "there is no loss 'crossentropy'; did you mean 'cross_entropy'?"},
    {"sgd: {lr", "sdg: {lr", 17, 19, "there is no optimizer 'sdg'; did you mean 'sgd'?"},
    {"cosine: {warmup", "cosin: {warmup", 18, 18, "there is no schedule 'cosin'; did you mean 'cosine'?"},
    {"encoding: f16", "encoding: f61", 11, 41, "there is no encoding 'f61'; did you mean 'f16'?"},
    {"shift: {pixels", "shifts: {pixels", 9, 76, "there is no augmentation 'shifts'; did you mean 'shift'?"},
    {"[{kd: {temperature: 4, weight: 0.9}}, cross_entropy]", "[{kd: {}, cross_entropy: {}}]", 16, 14, "expects one loss, as in"},
    {"[{kd: {temperature: 4, weight: 0.9}}, cross_entropy]", "kd", 16, 13, "loss expects a list, not 'kd'"},
    /* fields, at each depth */
    {"hidden: [8],", "hiden: [8],", 9, 27, "mlp: unknown key 'hiden'; did you mean 'hidden'?"},
    {"dropout: {input", "dropout: {imput", 9, 50, "mlp.dropout: unknown key 'imput'; did you mean 'input'?"},
    {"temperature: 4", "temprature: 4", 16, 20, "kd: unknown key 'temprature'; did you mean 'temperature'?"},
    {"pixels: 1", "pixel: 1", 9, 84, "shift: unknown key 'pixel'; did you mean 'pixels'?"},
    {"warmup: 1", "warm: 1", 18, 27, "cosine: unknown key 'warm'; did you mean 'warmup'?"},
    {"labels: soft_labels\n", "label: soft_labels\n", 13, 5, "'labels' is missing", 1},
    {"      labels: soft_labels\n", "", 13, 5, "'labels' is missing (the stage that wrote the soft labels;"},
    {"cosine: {warmup: 1}", "step", 18, 18, "step: 'at' is missing"},
    {"epochs: 2", "epochs: 2, epochs: 3", 9, 109, "'epochs' is given twice; the first is on line 9"},
    /* types */
    {"hidden: [8]", "hidden: 8", 9, 35, "hidden expects a list, not '8'"},
    {"hidden: [8]", "hidden: [eight]", 9, 36, "hidden expects a whole number, not 'eight'"},
    {"hidden: [8]", "hidden: [\"8\"]", 9, 36, "hidden expects a whole number, not '8' in quotes"},
    {"hidden: [8]", "hidden: [8, ~]", 9, 39, "an item of 'hidden' has no value"},
    {"hidden: [8]", "hidden: {a: 8}", 9, 35, "hidden expects a list, not a map"},
    {"temperature: 4", "temperature: hot", 16, 33, "temperature expects a number, not 'hot'"},
    {"temperature: 4", "temperature: '4'", 16, 33, "temperature expects a number, not '4' in quotes"},
    {"temperature: 4", "temperature: [4]", 16, 33, "temperature expects a number, not a list"},
    {"temperature: 4", "temperature: .inf", 16, 33, "temperature expects a number, not '.inf'"},
    {"temperature: 4", "temperature: ~", 16, 33, "'temperature' has no value; leave it out for the default, 4"},
    {"epochs: 2", "epochs: 2, batch: 64k", 9, 116, "batch expects a whole number, not '64k'"},
    {"epochs: 2", "epochs: 2, batch: 1e3", 9, 116, "batch expects a whole number, not '1e3'"},
    {"epochs: 2", "epochs: 2, batch: 99999999999999999999", 9, 116, "which does not fit in 64 bits"},
    {"norm: true", "norm: yes", 14, 41, "norm expects true or false, not 'yes', which is a text in YAML 1.2"},
    {"norm: true", "norm: 1", 14, 41, "norm expects true or false, not '1'"},
    {"dropout: {input: 0.1}", "dropout: 0.1", 9, 49, "dropout expects a map, not '0.1'"},
    {"teacher: teacher,", "teacher: [teacher],", 11, 22, "teacher expects the name of a stage, not a list"},
    /* ranges */
    {"temperature: 4", "temperature: -2", 16, 33, "temperature = -2 is outside [0.01, 1000]"},
    {"epochs: 2", "epochs: 0", 9, 106, "epochs = 0 is outside [0.001,"},
    {"epochs: 2", "epochs: 2, batch: 0", 9, 116, "batch = 0 is outside [1, 65536]"},
    {"input: 0.1", "input: 1.5", 9, 57, "input = 1.5 is outside [0, 0.999]"},
    {"hidden: [8]", "hidden: [0]", 9, 36, "hidden = 0 is outside [1,"},
    {"width: 0.5", "width: 0.01", 14, 30, "width = 0.01 is outside [0.1, 1000]"},
    /* fields that contradict each other */
    {"[{kd: {temperature: 4, weight: 0.9}}, cross_entropy]", "[]", 13, 5, "distill: no loss here listens to the teacher"},
    {"[{kd: {temperature: 4, weight: 0.9}}, cross_entropy]", "[cross_entropy]", 13, 5, "distill: no loss here listens to the teacher"},
    {"[{kd: {temperature: 4, weight: 0.9}}, cross_entropy]", "[kd, kd, kd, kd, kd, kd, kd, kd, kd]", 13, 5, "distill: loss has more than 8 terms"},
    {"epochs: 2", "epochs: 2, loss: []", 9, 5, "train: loss is an empty list"},
    {"epochs: 2", "epochs: 2, loss: [kd]", 9, 5, "train: a loss needs a teacher, and nobody teaches in a train stage"},
    {"encoding: f16", "views: 4", 11, 5, "views without augment would all be the same picture"},
    {"[{shift: {pixels: 1}}]", "[mixup, flip]", 9, 5, "train: augment: mixup and cutmix join two pictures that are done"},
    {"[{shift: {pixels: 1}}]", "[mixup, cutmix]", 9, 5, "train: augment: the probabilities of mixup and cutmix add up to more than 1"},
    {"encoding: f16", "augment: [cutmix, flip]", 11, 5, "label: augment: mixup and cutmix join two pictures that are done"},
    {"nesterov: true", "nesterov: true, momentum: 0", 17, 19, "nesterov looks ahead along the momentum, which is 0"},
    {"cosine: {warmup: 1}", "step: {at: [3, 2]}", 18, 18, "at must rise from each epoch to the next"},
    /* stages that name each other */
    {"labels: soft_labels", "labels: teacher", 15, 15, "labels expects a stage that makes soft labels; 'teacher' makes a model"},
    {"against: teacher", "against: soft_labels", 20, 41, "against expects a stage that makes a model; 'soft_labels' makes soft labels"},
    {"teacher: teacher,", "teacher: student,", 11, 22, "stage 'student' stands below; move it above"},
    {"teacher: teacher,", "teacher: taecher,", 11, 22, "there is no stage 'taecher'; did you mean 'teacher'?"},
    {"teacher: teacher,", "teacher: nobody,", 11, 22, "there is no stage 'nobody' above that makes a model"},
    {"model: student,", "model: fidelity,", 20, 23, "model: 'fidelity' is this stage itself"},
    /* what is expected */
    {"stage: student", "stage: studnt", 22, 13, "expect: there is no stage 'studnt'; did you mean 'student'?"},
    {"stage: student", "stage: nobody", 22, 13, "expect: there is no stage 'nobody'"},
    {"stage: student", "stage: soft_labels", 22, 13, "expect: stage 'soft_labels' makes soft labels, which have no test errors"},
    {"stage: student", "stages: student", 22, 5, "'stage' is missing", 1},
    {"test_errors: 74", "test_errors: 74, test_accuracy: 0.9", 22, 5, "give one of test_errors, test_accuracy, agreement and better_than"},
    {"test_errors: 74, ", "", 22, 5, "give one of test_errors, test_accuracy, agreement and better_than"},
    {"test_errors: 74", "test_accuracy: 98", 22, 37, "test_accuracy = 98 is outside"},
    {"test_errors: 74, within: 11", "better_than: teachr", 22, 35, "expect: there is no stage 'teachr'; did you mean 'teacher'?"},
    {"test_errors: 74, within: 11", "better_than: soft_labels", 22, 35, "stage 'soft_labels' makes soft labels"},
    {"test_errors: 74, within: 11", "better_than: teacher, agreement: 0.9, within: 1", 22, 5, "give one of test_errors"},
    {"within: 11", "within: 11, times: 2", 22, 58, "times goes with better_than"},
    {"within: 11", "within: -1", 22, 47, "within = -1 is outside [0,"},
    {", within: 11", "", 22, 5, "'within' is missing"},
    {"  - {stage", "  {stage", 22, 3, "expect expects a list, as in [{stage: student,"},
    {"- {stage: student, test_errors: 74, within: 11}", "- student", 22, 5, "expect: expects a map, not 'student'"},
    /* what Lyne does not take from YAML */
    {"name: small", "name: !str small", 2, 7, "tags such as !str are not used here"},
    {"precision: f32", "<<: {precision: f32}", 6, 1, "merge keys, <<, are not used here"},
    {"labels: soft_labels\n", "labels: *soft\n", 15, 15, "no anchor '&soft' stands before this alias"},
    {"labels: soft_labels\n", "\tlabels: soft_labels\n", 15, 7, "a tab cannot indent; use spaces"},
    {"cross_entropy]\n", "cross_entropy\n", 16, 13, "this list is not closed: ',' or ']' is missing before line 17"},
    {"input: 0.1}}}", "input: 0.1}}", 9, 12, "this map is not closed: ',' or '}' is missing before line 10"},
    {"precision: f32\n", "precision: f32\n---\n", 7, 1, "a second document starts here"},
    {"precision: f32\n", "precision: \"f32\n", 6, 12, "this quote is not closed"},
};
/* clang-format on */

/* The same for the data set's description, by what stands in folder.h. */
/* clang-format off */
static const bad_recipe bad_descriptions[] = {
    {"lyne_dataset: 1\n", "", 1, 1, "data set: 'lyne_dataset' is missing"},
    {"lyne_dataset: 1", "lyne_dataset: 2", 1, 15, "lyne_dataset = 2 is not known here, only 1"},
    {"strokes", "stroke", 3, 10, "there is no dataset 'stroke'; did you mean 'strokes'?"},
    {"train: 40", "train: many", 3, 27, "strokes: train expects a whole number, not 'many'"},
    {"[1, 12, 12]", "[12, 12]", 4, 10, "picture expects 3 numbers, as in [channels, height, width]"},
    {"[1, 12, 12]", "[1, 0, 12]", 4, 14, "picture = 0 is outside [1, 65536]"},
    {"[0.1]", "[0.1, 0.2]", 5, 7, "2 numbers of mean for 1 channels; give one for all or one for each"},
    {"[0.2]", "[0]", 6, 6, "sd = 0 is outside [1e-06, 1]"},
    {"[a, b, c, d, e, f, g, h, i, j]", "[a]", 7, 10, "classes expects two names at least"},
    {"classes:", "class:", 7, 1, "unknown key 'class'", 1},
    {"[a, b, c, d, e, f, g, h, i, j]", "[a, b", 7, 10, "this list is not closed"},
};
/* clang-format on */

/* A data set on whose pictures the models do not fit. */
/* clang-format off */
static const bad_recipe bad_shapes[] = {
    {"[1, 12, 12]", "[1, 2, 2]", 14, 15, "student: model: conv2: kernel 5"},
    {"[1, 12, 12]", "[1, 1, 1]", 14, 15, "student: model: pool1: "},
};
/* clang-format on */

/* What pictures have and text has not. */
static const char good_text[] =
    "lyne: 1\n"
    "name: text\n"
    "data: tiny\n"
    "stages:\n"
    "  teacher: {train: {model: {transformer: {width: 8, heads: 2}}}}\n"
    "  soft_labels: {label: {teacher: teacher, encoding: f16}}\n"
    "  student: {distill: {model: {transformer: {width: 4, heads: 1}}, labels: soft_labels}}\n"
    "  fidelity: {evaluate: {model: student}}\n";
static const char text_description[] = "lyne_dataset: 1\n"
                                       "name: tiny\n"
                                       "format: {text: {file: text.txt, length: 8}}\n"
                                       "tokens: {length: 8, vocabulary: 4, labels: each}\n"
                                       "classes: [a, b, c, d]\n";
/* clang-format off */
static const bad_recipe bad_texts[] = {
    {"{width: 8, heads: 2}}", "{width: 8, heads: 2}}, augment: [flip]", 5, 75, "teacher: augment: flip is for pictures, and 'tiny' has none"},
    {"encoding: f16", "encoding: f16, augment: [mixup]", 6, 68, "soft_labels: augment: mixup is for pictures, and 'tiny' has none"},
    {"labels: soft_labels", "labels: soft_labels, show: {classes: [a]}", 7, 105, "each token of data set 'tiny' has a class, and its samples have none"},
    {"evaluate: {model: student}", "bias: {model: student, classes: [a]}", 8, 47, "each token of data set 'tiny' has a class, and its samples have none"},
    {"transformer: {width: 4, heads: 1}", "mlp: {}", 7, 31, "flatten expects f32, not s32; what it is given are the samples as they are, sequences of tokens"},
    {"transformer: {width: 4, heads: 1}", "lenet: {}", 7, 31, "not (2, 8); what it is given are the samples as they are, sequences of tokens"},
};
/* clang-format on */

#endif
