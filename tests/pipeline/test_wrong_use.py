"""What a user can get wrong, and what is said then: what came, what was expected, how to go on, in one to three lines."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sysconfig

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zfnet.components.artifacts import Examples, Statistics
from zfnet.components.data.sources.open_source import open_source
from zfnet.components.example_gen import generate_examples
from zfnet.components.statistics_gen import generate_statistics
from zfnet.model import build
from zfnet.pipeline.cli.main import main

SIZE = 56


def small_net(shape, classes=3, activation="relu"):
    layers = [
        keras.layers.Conv2D(4, 3, activation=activation, name="first"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(classes, "softmax", name="answer"),
    ]
    return keras.Sequential([keras.Input(shape), *layers])


@pytest.fixture(scope="module")
def home(folder, tmp_path_factory):
    """A directory with `root/` as a run leaves it, photographs, models, and files that are none of these."""
    home = tmp_path_factory.mktemp("messages")
    (home / "photographs").symlink_to(folder)
    examples, statistics, model = Examples(home / "root/examples"), Statistics(home / "root/statistics"), home / "root/model"
    source = open_source(str(folder), home)
    generate_examples(examples, source=source, image_size=SIZE, num_shards=1, max_rejected=1, runner="FnApiRunner", beam_options=())
    generate_statistics(examples, statistics, runner="FnApiRunner", beam_options=())
    model.mkdir()
    build("zfnet-small", (SIZE, SIZE, 3), 3, mean_image=statistics.mean_image()[4:60, 4:60]).save(model / "model.keras")
    (model / "labels.txt").write_text("blue\ngreen\nred\n")
    (model / "history.json").write_text("[{}]")
    artifacts = {"model": "model/model.keras", "examples": "examples", "statistics": "statistics"}
    (home / "root/run.json").write_text(json.dumps({"artifacts": artifacts}))
    for name, net in {
        "ten": small_net((32, 32, 3), 10),
        "grey": small_net((32, 32, 1)),
        "open": small_net((None, None, 3)),
        "swish": small_net((32, 32, 3), activation="swish"),
        "features": keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)]),
        "sound": keras.Sequential([keras.Input((90, 1)), keras.layers.Conv1D(4, 3, name="first")]),
    }.items():
        net.save(home / f"{name}.keras")
    image = keras.Input((32, 32, 3))
    keras.Model(image, keras.layers.Lambda(lambda pixels: pixels * 2)(image)).save(home / "lambda.keras")
    Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(home / "a.png")
    for name, content in {"text.png": "no picture", "empty.png": "", "text.keras": "no model", "file": "", "boxes.json": "{"}.items():
        (home / name).write_text(content)
    (home / "nolabel.csv").write_text("a.png\n")
    (home / "cameras.csv").write_text("path,label,camera\na.png,cat,old\nb.png,dog,new\n")
    for name in ("empty", "one/cat", "full", "earlier", "begun"):
        (home / name).mkdir(parents=True)
    (home / "begun/lock").touch()
    (home / "full/x").touch()
    (home / "earlier/run.json").write_text('{"metrics": {}}')  # not what a run writes today
    (home / "earlier/metadata.sqlite").write_text("no database")
    return home


WRONG = [
    # words of the command line
    ("rum", 2, "No such command 'rum'. Did you mean 'run'"),
    ("run --epohcs 3", 2, r"No such option '--epohcs'. \(Did you mean one of: .*'--epochs'"),
    ("run --bless top1_error=0.2", 2, "'top1_error=0.2': expected a threshold such as top1_error<0.2"),
    ("run --bless 'accuracy[cat]>0.9'", 2, "there is no number 'accuracy' of a class; there are top1_error, top5_error, examples"),
    ("run --bless 'top1_error<20'", 2, "top1_error is a share; expected a limit from 0 to 1, such as 0.2 for 20 %"),
    ("run --bless 'top1_error_ten_crop<0.2'", 2, "--bless 'top1_error_ten_crop<0.2' needs --ten-crop"),
    ("run --freeze conv1..conv3", 2, "--freeze needs --start-from: without it, the frozen layers would keep random weights"),
    ("run --push-anyway ''", 2, "expected the reason in words"),
    ("tensorboard --port 6007", 2, "No such option '--port'.* TENSORBOARD OPTIONS follow `--`"),
    ("tensorboard --root root -- --port x", 1, "TensorBoard can't use the options after --: argument --port: invalid"),
    ("run --epochs many", 2, "'--epochs': 'many' is not a whole number"),
    ("run --epochs 0", 2, "'--epochs': 0 is not in the range x>=1"),
    ("run --config imagenet", 2, "'imagenet' is not one of 'caltech101', "),
    ("run photographs", 2, "Unexpected argument 'photographs'. Options of Beam"),
    ("project root a.png --layer conv5", 2, "Missing option '--out'"),
    ("project root a.png --layer conv5 --out o.jpg", 2, "o.jpg does not end in .png"),
    ("evaluate", 2, "Missing argument 'MODEL"),
    ("evaluate ten.keras", 2, "give --data"),
    ("invariance root --label red --out out", 2, "--label is the class of an IMAGE, and there is none"),
    ("correspondence root a.png --out out", 2, "give --boxes or --box"),
    # photographs
    ("run --data nowhere", 1, "'nowhere' is neither a folder here nor a TFDS data set: give"),
    ("run --data ./nowhere", 1, "'./nowhere' does not exist: expected a folder"),
    ("run --data imagenete", 1, "near names: imagenette"),
    ("run --data imagenette/320", 1, "imagenette has the configurations full-size-v2, 320px-v2"),
    ("run --data none.csv", 1, "'none.csv' does not exist: expected a .csv"),
    ("run --data nolabel.csv", 1, "nolabel.csv, line 1: 'a.png' has no label; expected rows of path,label"),
    (
        "run --data photographs --slice-by camera",
        1,
        "names a column of a CSV; the examples come from photographs: expected --data TABLE.csv",
    ),
    ("run --data cameras.csv --slice-by lens", 1, "cameras.csv has the columns path, label, camera: expected one column 'lens'"),
    ("run --data a.png", 1, "a.png is a file: expected a folder"),
    ("run --data empty", 1, "holds no folders: expected train/CLASS/"),
    ("run --data one", 1, "holds the classes cat|one class, cat"),
    ("run --data earlier", 1, "is a directory that a run wrote, not photographs: give what that run was given"),
    ("gallery root --data nowhere --out out", 1, "'nowhere' is neither a folder"),
    ("examples photographs --out full", 1, "full is not empty. Give another directory with --out"),
    ("examples photographs --out photographs/out", 1, "lies inside of DATA photographs.*Give one outside of it with --out"),
    ("features root --data photographs --per-class 500 --out out", 1, "Class 'blue' has .* fewer than 500: give smaller --per-class"),
    # where it is written
    ("run --root file", 2, "'file' is a file; expected a directory"),
    ("run --root file/root", 1, r"file/root can't be written \(Not a directory\). Give another with --root"),
    ("run --root s3://bucket/root", 2, "unknown storage; expected a directory, or gs://bucket/name"),
    ("run --data photographs --root photographs/root", 1, "Give one outside of it with --root"),
    ("project root a.png --layer conv5 --out file/o.png", 1, r"file can't be made \(File exists\). Give another with --out"),
    ("gallery root --out file/out", 1, "can't be written .*Give another with --out"),
    # networks
    ("run --architecture zfnet-smal", 1, "no architecture 'zfnet-smal'. Did you mean zfnet-small"),
    ("run --architecture zfnet-small:conv9.kernel=3", 1, "no layer 'conv9'; there are conv1, conv2"),
    ("run --architecture zfnet-small:conv1.kernel=big", 1, "expected a whole number, not 'big'"),
    ("run --image-size 48", 1, "48 x 48 pixels are too small for zfnet-small.*give a larger image"),
    ("compile --image-size 48 --out pipeline.yaml", 1, "48 x 48 pixels are too small for zfnet-small"),
    ("compile --out file/pipeline.yaml", 1, r"file can't be made \(File exists\)"),
    ("compare zfnet-small zfnet-smal --out out", 1, "Did you mean zfnet-small"),
    # models
    ("evaluate none.keras", 1, "no model file none.keras; expected a .keras or .h5 file, a directory"),
    ("evaluate empty", 1, "no run.json in empty; expected a .keras or .h5 file, a directory that `zfnet run` wrote, or a net of Keras"),
    ("evaluate keras:VGG61 --data photographs", 1, "keras.applications has no net 'VGG61'. Did you mean keras:VGG19 or keras:VGG16"),
    ("gallery keras:VGG16?weights=no --out out", 1, r"expected keras:VGG16, with weights of ImageNet, or keras:VGG16\?weights=none"),
    ("evaluate text.keras --data root/examples", 1, "not a Keras model file; expected a file that model.save"),
    ("evaluate ten.keras --data photographs", 1, "outputs of .None, 10.; the examples have 3 classes"),
    (
        "evaluate ten.keras --data root/examples",
        1,
        "images of 32 pixels, but root/examples was prepared for 56: give the original photographs",
    ),
    ("evaluate features.keras --data photographs", 1, r"takes \(None, 5\); expected one input, images of three channels"),
    ("gallery sound.keras --data photographs --layer first --out out", 1, r"takes \(None, 90, 1\).*In Python `zfnet.project` and"),
    ("project sound.keras a.png --layer first --out o.png", 1, r"takes \(None, 90, 1\); expected one input, images"),
    ("project grey.keras a.png --layer first --preprocessing caffe --out o.png", 1, "takes one channel, and caffe is for three; expected"),
    ("evaluate lambda.keras --data photographs", 1, "Lambda layer, whose code is in the file and is not run"),
    ("evaluate root --image-size 40", 1, "--image-size 40 is for a model that accepts any size"),
    ("evaluate root --split test", 1, "no split 'test'; it has train, validation"),
    ("project root a.png --layer conv5 --image-size 40 --out o.png", 1, "images of 56 x 56 pixels, not of 40"),
    ("project open.keras a.png --layer first --image-size 2 --out o.png", 1, "can't take images of 2 x 2 pixels; give another size"),
    ("project swish.keras a.png --layer first --out o.png", 1, "activation 'silu', .*--unsupported gradient uses"),
    # layers, units, classes
    ("project root a.png --layer conv6 --out o.png", 1, "no layer 'conv6' to look at. Did you mean conv5"),
    ("project root a.png --layer conv5 --unit 9999 --out o.png", 1, "no unit 9999 in layer 'conv5'; it has units 0 to 127"),
    ("gallery root --map conv1 --out out", 1, "'conv1' names no map: expected LAYER/NUMBER, such as conv1/0"),
    ("gallery root --map conv1/999 --out out", 1, "no map conv1/999: the layer has 48"),
    ("gallery root --map predictions/bleu --out out", 1, "no class 'bleu' for predictions; there are blue, green, red"),
    ("invariance root a.png --label purple --out out", 1, "no class 'purple'; expected the names in labels.txt"),
    ("occlude root a.png --label gren --out out", 1, "no class 'gren'. Did you mean green"),
    ("occlude root a.png --square 500 --out out", 1, "side of 500 pixels.*expected a side of 1 to 56"),
    # images
    ("project root none.png --layer conv5 --out o.png", 1, "none.png can't be read: No such file"),
    ("project root text.png --layer conv5 --out o.png", 1, "text.png can't be read: none of JPEG, PNG"),
    ("project root empty.png --layer conv5 --out o.png", 1, "empty.png can't be read: the file is empty"),
    ("correspondence root a.png --boxes boxes.json --out out", 1, "boxes.json are no JSON that can be read"),
    ("correspondence root a.png --box 1,2,3 --out out", 1, "'1,2,3' is none; expected PART=left,top,width,height"),
    # Beam, databases, machines
    ("run --data photographs --runner Nope", 1, "Nope. Valid values are DataflowRunner"),
    ("run --data photographs -- --Trainer.foo=1", 1, "is for Trainer: expected --STEP.NAME=VALUE with STEP one of"),
    ("run --data photographs -- --max_num_worker=1", 1, "no option --max_num_worker. Did you mean --max_num_workers"),
    ("run --data photographs -- --job_endpoint", 1, "argument --job_endpoint: expected one argument"),
    ("run --data photographs --runner DataflowRunner", 1, "other machines and cannot read .*: copy the photographs to Cloud Storage"),
    ("run --data photographs --metadata nonsense", 1, "'nonsense' is no database that SQLAlchemy supports: expected a URL"),
    ("run --data photographs --metadata sqlite:////none/x.sqlite", 1, "can't be opened: unable to open database file"),
    # what ran before
    ("runs --root nowhere", 1, "Nothing ran under nowhere yet. Start with `zfnet run`, .*--root"),
    ("report --root empty", 1, "no run under empty: .*Start with `zfnet run`"),
    ("report --root begun", 1, "run under begun has not ended yet, or was killed: begun/run.json is written in the end"),
    ("report --root earlier", 1, "earlier/run.json is not a valid run.json"),
    ("runs --root earlier", 1, "can't be opened: file is not a database"),
    ("tensorboard --root nowhere", 1, "no directory nowhere. Start with `zfnet run`"),
    ("run --data photographs -- --StatisticsGen.nonsense=1", 1, "no option --nonsense"),
    ("run --data photographs -- --help", 1, "can't take the options behind --"),
    ("tensorboard --root empty", 1, "Nothing was trained under empty. Start with `zfnet run`"),
    ("evolution root --out out", 1, "no checkpoint from before the end of its training. `zfnet run --keep-checkpoints`"),
    ("evolution ten.keras --out out", 2, "one state of a training: give several"),
]


@pytest.mark.parametrize(("line", "code", "message"), WRONG, ids=[line for line, *_ in WRONG])
def test_what_is_said(home, monkeypatch, line, code, message):
    monkeypatch.chdir(home)
    done = CliRunner().invoke(main, shlex.split(line))
    said = done.stderr[done.stderr.index("Error: ") :]
    assert (done.exit_code, done.exception.__class__) == (code, SystemExit)
    assert re.search(message, said)
    # Three lines of a terminal that is 140 wide; lists of what there is to choose from may be longer.
    assert len(said) <= 420 or "Choose one of" in said or "Valid values are" in said
    assert "--verbose shows" not in said  # which is for what nobody thought of
    assert not [name for name in ("out", "o.png", "pipeline.yaml") if (home / name).exists()]


def test_a_directory_of_another_user(home):
    """Root may write everywhere, so somebody else tries."""
    zfnet = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
    if os.getuid() != 0 or subprocess.run(["setpriv", "--reuid=65534", zfnet, "--version"], capture_output=True).returncode:
        pytest.skip("takes a user who may start this Python as another one")
    for option, line in {"--root": "run --root owned/root", "--out": "compile --out owned/new/pipeline.yaml"}.items():
        (home / "owned").mkdir(mode=0o755, exist_ok=True)
        done = subprocess.run(["setpriv", "--reuid=65534", zfnet, *line.split()], cwd=home, capture_output=True, text=True)
        assert done.returncode == 1
        assert re.search(f"can't be (written|made) .Permission denied.. Give another with {option}", done.stderr)
