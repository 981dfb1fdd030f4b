import html.parser
import json
import pathlib
import re
import shutil
import urllib.parse

import pytest
from click.testing import CliRunner
from PIL import Image

from zfnet.components.figures.mistakes.table import calibration_sentence
from zfnet.pipeline.commands.report import command
from zfnet.pipeline.orchestration.lineage import read_runs
from zfnet.pipeline.report import _made, _warnings, read_report, report_page


class Page(html.parser.HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data.strip())


@pytest.fixture(scope="module")
def root(whole_run):
    return whole_run.root


@pytest.fixture(scope="module")
def page(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "new" / "report.html"
    done = CliRunner().invoke(command, ["--root", str(root), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"{out}  ")
    assert [path.name for path in out.parent.iterdir()] == ["report.html"]
    return Page(out.read_text())


def test_it_needs_no_other_file(page):
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe", "object")]
    for tag, attributes in page.tags:
        assert tag == "a" or "href" not in attributes
        assert attributes.get("src", "data:image/webp;base64,").startswith("data:image/webp;base64,")


def test_link_leads_to_the_page_of_all_maps(whole_run, root, tmp_path, monkeypatch):
    def links(*options: str) -> list[str]:
        done = CliRunner().invoke(command, ["--root", str(root), *options])
        assert done.exit_code == 0, done.output
        page = pathlib.Path(options[-1] if options else "report.html")
        return [
            str((page.parent / urllib.parse.unquote(each["href"])).resolve()) for tag, each in Page(page.read_text()).tags if tag == "a"
        ]

    monkeypatch.chdir(tmp_path)
    (tmp_path / "a place").mkdir()
    explored = root / "figures" / "explore.html"
    assert explored.exists()
    assert links("--out", str(tmp_path / "a place" / "report.html")) == [str(explored)]
    assert links("--out", "report.html") == [str(explored)]
    text = explored.read_text()
    assert whole_run.hostile not in text  # Nor in the page itself: a name of a class is never read as HTML.
    index = json.loads(re.search(r'id="index">(.*?)</script>', text)[1])
    assert whole_run.hostile in index["classes"]
    assert index["moments"] == ["untrained", *(f"epoch {number}" for number in range(1, whole_run.epochs + 1))]


def test_all_pictures_of_the_run_are_there(page, root):
    drawn = {path.name for path in (root / "figures").glob("*.png")}
    # And the course of the training.
    assert len([tag for tag, _ in page.tags if tag == "img"]) == len(drawn) + 1
    titles = [attributes["alt"] for tag, attributes in page.tags if tag == "img"]
    first = ["The most confident mistakes", "The classes with the highest error", "Which classes are mistaken for each other"]
    assert titles[:7] == [
        *(f"{title}: {title}" for title in (*first, "How far the probabilities can be trusted", "Features of all layers")),
        "Feature maps at random: conv5",
        "Feature maps at random: conv4",
    ]


def test_numbers_are_those_of_the_run(page, root, whole_run):
    run = json.loads((root / "run.json").read_text())
    words = [word for word in page.words if word]

    def after(heading):
        return words[words.index(heading) + 1]

    assert after("top-1 error") == f"{100 * run['metrics']['top1_error']:.1f} %"
    assert after("top-1 error, ten crops") == f"{100 * run['metrics']['top1_error_ten_crop']:.1f} %"
    assert after("filters of layer 1 with structure") == f"{100 * run['metrics']['structured']:.0f} %"
    assert "top-5 error" not in words  # Of three classes.
    assert (after("training examples"), after("rejected photographs")) == (str(run["examples"]["train"]), "1")
    assert after("seed") == "0"
    assert after("tensorflow") == run["versions"]["tensorflow"]
    assert whole_run.command in words
    data = words[words.index("The data") :]
    counts = [data[data.index(name) + 1 : data.index(name) + 3] for name in ("green", "red", whole_run.hostile)]
    assert sum(int(train) for train, _ in counts) == run["examples"]["train"]
    assert any(word.endswith("broken.jpg") for word in words)
    sentences = json.loads((root / "figures/filters.json").read_text())["models"]["zfnet-small"]["verdicts"]
    assert all(sentence["words"] in words for sentence in sentences)


def test_classes_are_told_worst_first(page, root):
    evaluation = json.loads((root / json.loads((root / "run.json").read_text())["artifacts"]["evaluation"] / "evaluation.json").read_text())
    words = [word for word in page.words if word]
    told = words[words.index("Where it errs") : words.index("The most confident mistakes")]
    assert told[1] == calibration_sentence(evaluation)
    assert "top-5 error" not in told  # Three classes.
    places = []
    for each in sorted(evaluation["classes"], key=lambda each: -each["top1_error"]):
        places.append(place := told.index(each["class"]))
        assert told[place + 1 : place + 3] == [f"{each['examples']:,}", f"{100 * each['top1_error']:.1f} %"]
        if each["mistaken_for"]:
            most = each["mistaken_for"][0]
            assert told[place + 3].startswith(f"{most['class']} ({most['examples']})")
    assert places == sorted(places)
    assert len(places) == 3


def test_a_run_before_mistakes_were_told(root, tmp_path):
    shutil.copytree(root, tmp_path / "root")
    (file,) = (tmp_path / "root").glob("evaluator/*/evaluation/evaluation.json")
    old = {name: value for name, value in json.loads(file.read_text()).items() if not isinstance(value, list)}
    file.write_text(json.dumps(old))
    content = read_report(tmp_path / "root")
    assert (content["classes"], content["calibration"]) == ([], None)
    assert "Where it errs" not in report_page(content)


def test_mistakes_are_told_with_their_ids(root):
    content = read_report(root)
    words = [word for word in Page(report_page(content)).words if word]
    assert content["mistakes"]
    for each in content["mistakes"]:
        place = words.index(each["id"])
        assert words[place + 1 : place + 4] == [each["class"], each["predicted"], f"{100 * each['probability']:.1f} %"]
    assert f"zfnet evaluate {root} --split train --worst 20" in words


def test_slices_are_told(root):
    content = read_report(root)
    assert (content["slice_by"], content["slices"]) == (None, [])
    slices = [{"value": value, "examples": 9, "top1_error": 0.25, "top5_error": 0.0} for value in ("<b>old</b>", None)]
    words = [word for word in Page(report_page(content | {"slice_by": "camera", "slices": slices})).words if word]
    place = words.index("2 values of camera, the most frequent first")
    rows = ["<b>old</b>", "9", "25.0 %", "(all others)", "9", "25.0 %"]
    assert words[place + 1 : place + 10] == ["camera", "validation examples", "top-1 error", *rows]


def test_warnings_of_each_kind_come_first(root):
    kinds = [("dark_class", "The class cat is dark."), ("near_copy", "A copy."), ("near_copy", "Another copy.")]
    found = _warnings([{"kind": kind, "message": message} for kind, message in kinds])
    assert found == ["The class cat is dark.", "A copy. And 1 more of this kind."]
    content = read_report(root)
    assert "Warnings about the data" not in report_page(content | {"warnings": [], "anomalies": []})
    page = report_page(content | {"warnings": found, "anomalies": [message for _, message in kinds]})
    assert page.index("And 1 more of this kind.") < page.index("Where it errs") < page.index("Another copy.")


def test_many_classes_are_closed(root):
    content = read_report(root)
    many = report_page(content | {"classes": content["classes"] * 7, "counts": content["counts"] * 7})
    closed = many.index("<details><summary>21 classes, the highest error first</summary>")
    assert "<th>top-5 error</th>" in many[closed : closed + 200]
    assert "<details open><summary>3 classes, the highest error first</summary>" in report_page(content)


def test_names_out_of_the_data_are_text(page, whole_run):
    assert whole_run.hostile in page.words
    assert not [attributes for _, attributes in page.tags if "onerror" in attributes]


def test_sizes_and_near_copies_are_shown(root, page, tmp_path):
    assert [word for word in page.words if word.startswith("Photographs in train: shorter side ")]
    assert not [attributes for _, attributes in page.tags if attributes.get("alt") == "Near copies across the splits"]
    shutil.copytree(root, tmp_path / "root")
    anomalies = tmp_path / "root" / json.loads((root / "run.json").read_text())["artifacts"]["anomalies"]
    Image.new("RGB", (30, 20)).save(anomalies / "near_copies.png")
    shown = Page(report_page(read_report(tmp_path / "root")))
    (picture,) = [attributes for _, attributes in shown.tags if attributes.get("alt") == "Near copies across the splits"]
    assert (picture["width"], picture["height"]) == ("30", "20")


def test_a_run_before_anomalies_and_sizes_were_kept(root, tmp_path):
    shutil.copytree(root, tmp_path / "root")
    run = json.loads((root / "run.json").read_text())
    file = tmp_path / "root" / run["artifacts"]["statistics"] / "statistics.json"
    statistics = json.loads(file.read_text())
    del run["artifacts"]["anomalies"], statistics["sizes"]
    file.write_text(json.dumps(statistics))
    (tmp_path / "root/run.json").write_text(json.dumps(run))
    content = read_report(tmp_path / "root")
    assert (content["sizes"], content["near_copies"]) == ([], None)


def test_a_run_before_filters_were_measured(root, tmp_path):
    shutil.copytree(root, tmp_path / "root")
    run = json.loads((root / "run.json").read_text())
    del run["metrics"]["structured"]
    (tmp_path / "root/run.json").write_text(json.dumps(run))
    assert read_report(tmp_path / "root")["structured"] is None
    assert read_report(root)["structured"] == json.loads((root / "run.json").read_text())["metrics"]["structured"]


def test_a_run_that_failed_before_it_trained(root, tmp_path):
    run = json.loads((root / "run.json").read_text())
    run |= {"status": "failed", "message": "No photographs.", "artifacts": {**run["artifacts"], "model": None}}
    (tmp_path / "run.json").write_text(json.dumps(run))
    done = CliRunner().invoke(command, ["--root", str(tmp_path), "--out", str(tmp_path / "report.html")])
    assert (done.exit_code, "has trained no model yet (failed: No photographs.)" in done.output) == (1, True)
    assert not (tmp_path / "report.html").exists()


def test_a_later_run_that_was_killed_hides_nothing(root):
    runs = read_runs(root)
    model = json.loads((root / "run.json").read_text())["artifacts"]["model"]
    killed = runs[0] | {"command": "zfnet run --epochs 9", "executions": runs[0]["executions"][:1]}
    run, trained = _made([*runs, killed], model)
    assert run == runs[0]
    assert trained["step"] == "Trainer"


def test_no_run(tmp_path):
    done = CliRunner().invoke(command, ["--root", str(tmp_path / "none"), "--out", str(tmp_path / "report.html")])
    assert done.exit_code == 1
    assert "run.json is missing. Start with `zfnet run`, or name its root with --root." in done.output


def test_what_figures_left_out_is_left_out(root, tmp_path):
    shutil.copytree(root, tmp_path / "root")
    Image.new("RGB", (9, 9)).save(tmp_path / "root/figures/of_somebody_else.png")
    (tmp_path / "root/figures/occlusion.png").unlink()
    out = tmp_path / "report.html"
    assert CliRunner().invoke(command, ["--root", str(tmp_path / "root"), "--out", str(out)]).exit_code == 0
    titles = [attributes["alt"] for tag, attributes in Page(out.read_text()).tags if tag == "img"]
    assert not [title for title in titles if "occlusion" in title or "somebody" in title or "answer" in title]
