import ast
import os
import pathlib
import re
import tempfile

import apache_beam as beam
import pytest

from zfnet.components.data.beam.pipeline import open_pipeline
from zfnet.components.data.sources.folder import FolderSource
from zfnet.components.inputs.photograph import UnreadablePhotograph


def make(root, files: dict[str, bytes]):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def plan(source: FolderSource, num_shards: int | None = None) -> dict:
    """What the source plans, run through Beam: `{(split, index, number): references}`."""
    with tempfile.TemporaryDirectory() as directory:
        outcome = pathlib.Path(directory, "planned")
        with open_pipeline("FnApiRunner") as pipeline:
            _ = source.plan(pipeline, num_shards) | beam.combiners.ToList() | beam.Map(lambda planned: outcome.write_text(repr(planned)))
        planned = ast.literal_eval(outcome.read_text())
    assert len(dict(planned)) == len(planned)
    return dict(planned)


def listed(source: FolderSource) -> dict[str, list[str]]:
    """The ids of the photographs of each split, without Beam."""
    found = {"train": [], "validation": []}
    places, list_place = source.listing()
    for split, files in (listed for place in places for listed in list_place(place)):
        found[split] += [id for id, _, _ in files]
    return {split: sorted(ids) for split, ids in found.items()}


def ids(planned: dict, split: str) -> list[str]:
    return [reference[0] for key in sorted(planned) if key[0] == split for reference in planned[key]]


def test_train_and_validation_folders_are_kept(tmp_path):
    source = FolderSource(
        str(make(tmp_path, {"train/b/1.jpg": b"1", "train/a/1.jpg": b"2", "train/a/2.jpg": b"3", "validation/a/1.jpg": b"4"}))
    )
    assert source.labels == ["a", "b"]
    planned = plan(source)
    assert sorted(planned) == [("train", 0, 1), ("validation", 0, 1)]
    assert sorted(ids(planned, "train")) == ["train/a/1.jpg", "train/a/2.jpg", "train/b/1.jpg"]
    assert ids(planned, "validation") == ["validation/a/1.jpg"]
    photographs = {photograph.id: photograph for photograph in source.read(planned["train", 0, 1])}
    assert photographs["train/b/1.jpg"].label == 1
    assert photographs["train/b/1.jpg"].read() == b"1"
    assert photographs["train/b/1.jpg"].origin == str(tmp_path / "train/b/1.jpg")


def test_a_digest_sends_a_fifth_of_every_class_to_validation(tmp_path):
    source = FolderSource(str(make(tmp_path, {f"{label}/{i}.jpg": b"x" for label in "ab" for i in range(300)})))
    planned = plan(source, 3)
    train, validation = ids(planned, "train"), ids(planned, "validation")
    assert sorted(train + validation) == sorted(f"{label}/{i}.jpg" for label in "ab" for i in range(300))
    for label in "ab":
        assert 40 < sum(id.startswith(label) for id in validation) < 80
    assert len([key for key in planned if key[0] == "train"]) == 3
    assert min(len(references) for key, references in planned.items()) > 100 * 0.7
    assert train != sorted(train)
    # The split of one photograph does not depend on the others.
    for id in train[:250]:
        (tmp_path / id).unlink()
    assert ids(plan(FolderSource(str(tmp_path))), "validation") == validation


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_each_class_of_two_is_in_both_splits(tmp_path, number):
    source = FolderSource(str(make(tmp_path, {f"class{c}/{i}.jpg": b"x" for c in range(12) for i in range(number)})))
    planned = plan(source)
    for split in ("train", "validation"):
        classes = {id.split("/")[0] for id in ids(planned, split)}
        assert len(classes) == (12 if number > 1 or split == "train" else 0)


def test_order_does_not_depend_on_the_number_of_shards(tmp_path):
    source = FolderSource(str(make(tmp_path, {f"{label}/{i}.jpg": b"x" for label in "ab" for i in range(20)})))
    one, many = plan(source, 1), plan(source, 1000)
    assert sorted(one) == [("train", 0, 1), ("validation", 0, 1)]
    train = len(ids(one, "train"))
    assert sorted(key for key in many if key[0] == "train") == [("train", index, train) for index in range(train)]  # some are empty
    assert [] in many.values()
    assert ids(one, "train") == ids(many, "train")


def test_hidden_files_and_folders_are_no_photographs(tmp_path):
    make(tmp_path, {"a/1.jpg": b"x", "b/1.jpg": b"x", "a/.DS_Store": b"x", ".git/1.jpg": b"x", "readme.txt": b"x"})
    source = FolderSource(str(tmp_path))
    assert source.labels == ["a", "b"]
    assert sorted(ids(plan(source), "train")) == ["a/1.jpg", "b/1.jpg"]


CLUTTER = ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "$Recycle.Bin", "System Volume Information", "lost+found", "#recycle", "@Recycle")


@pytest.mark.parametrize("clutter", CLUTTER)
def test_what_systems_put_beside_photographs_is_no_class_and_no_photograph(tmp_path, clutter):
    photographs = {f"{label}/{i}.jpg": b"x" for label in "ab" for i in range(3)}
    clean = FolderSource(str(make(tmp_path / "clean/pets", photographs)))
    dirt = {
        f"{clutter}/a/0.jpg": b"x",
        f"a/{clutter}/0.jpg@SynoEAThumb": b"x",
        "a/Thumbs.db": b"x",
        "b/desktop.ini": b"x",
        "b/Icon\r": b"x",
    }
    dirty = FolderSource(str(make(tmp_path / "dirty/pets", photographs | dirt)))
    assert dirty.labels == clean.labels == ["a", "b"]
    assert listed(dirty) == listed(clean)


@pytest.mark.parametrize(
    ("train", "held_out", "left"),
    [
        ("train", "val", []),
        ("train", "valid", []),
        ("Training", "Testing", []),
        ("train", "test", []),
        ("train", "validation", ["test"]),
        ("TRAIN", "Val", ["TEST", "more"]),
    ],
)
def test_folders_of_splits_by_other_names(tmp_path, train, held_out, left):
    names = [train, held_out, *left]
    source = FolderSource(str(make(tmp_path, {f"{name}/{label}/1.jpg": b"x" for name in names for label in "ab"})))
    assert source.labels == ["a", "b"]
    found = {"train": train, "validation": held_out}
    assert listed(source) == {split: [f"{name}/a/1.jpg", f"{name}/b/1.jpg"] for split, name in found.items()}
    said = " ".join(source.notes)
    assert all(f"{name}/" in said for name in left)
    assert ("validates" in said) == (held_out.casefold() in ("test", "testing"))


def test_a_folder_train_alone_is_divided(tmp_path):
    make(tmp_path, {f"train/{label}/{i}.jpg": b"x" for label in "ab" for i in range(20)} | {"notes/about.txt": b"x"})
    source = FolderSource(str(tmp_path))
    assert source.labels == ["a", "b"]
    train, validation = listed(source).values()
    assert sorted(train + validation) == sorted(f"train/{label}/{i}.jpg" for label in "ab" for i in range(20))
    assert {id[:7] for id in train} == {id[:7] for id in validation} == {"train/a", "train/b"}
    assert source.notes == [
        f"{tmp_path} has no validation/: a fifth of each class in train/ validates.",
        f"{tmp_path} has notes/ beside train/: not used.",
    ]


def test_a_class_may_be_called_train(tmp_path):
    source = FolderSource(str(make(tmp_path, {f"{label}/{i}.jpg": b"x" for label in ("bus", "car", "train") for i in range(5)})))
    assert (source.labels, source.notes) == (["bus", "car", "train"], [])
    assert {id.split("/")[0] for id in listed(source)["validation"]} == {"bus", "car", "train"}


def test_names_need_not_be_text(tmp_path):
    make(tmp_path, {"고양이/한국.jpg": b"1", "b/new\nline.jpg": b"2"})
    with open(os.fsencode(tmp_path) + b"/b/\xff.jpg", "wb") as file:  # noqa: PTH123  pathlib has no names of bytes
        file.write(b"3")
    source = FolderSource(str(tmp_path))
    planned = plan(source)
    found = {photograph.id: photograph.read() for references in planned.values() for photograph in source.read(references)}
    assert found == {"고양이/한국.jpg": b"1", "b/new\nline.jpg": b"2", "b/\\xff.jpg": b"3"}
    assert source.fingerprint()


def test_what_is_no_file_is_reported_when_it_is_read(tmp_path):
    make(tmp_path, {"a/1.jpg": b"x", "b/1.jpg": b"x", "a/folder.jpg/1.jpg": b"x"})
    (tmp_path / "a/link.jpg").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "a/pipe.jpg")
    source = FolderSource(str(tmp_path))
    reasons = {}
    for references in plan(source).values():
        for photograph in source.read(references):
            try:
                photograph.read()
            except UnreadablePhotograph as error:
                reasons[photograph.id] = str(error)
    assert reasons == {"a/folder.jpg": "not a file", "a/link.jpg": "a link that leads nowhere", "a/pipe.jpg": "not a file"}


def test_the_fingerprint_changes_with_the_photographs(tmp_path):
    make(tmp_path, {"a/1.jpg": b"x", "b/1.jpg": b"x", "b/2.jpg": b"x"})

    def fingerprint():
        return FolderSource(str(tmp_path)).fingerprint()

    fingerprints = [fingerprint()]
    assert fingerprint() == fingerprints[0]
    (tmp_path / "notes.txt").write_text("not a photograph")
    assert fingerprint() == fingerprints[0]
    os.utime(tmp_path / "a/1.jpg", ns=(1, 1))
    fingerprints.append(fingerprint())
    (tmp_path / "b/2.jpg").write_bytes(b"longer")
    os.utime(tmp_path / "b/2.jpg", ns=(1, 1))
    fingerprints.append(fingerprint())
    (tmp_path / "b/2.jpg").rename(tmp_path / "b/3.jpg")
    fingerprints.append(fingerprint())
    (tmp_path / "b/3.jpg").rename(tmp_path / "a/3.jpg")
    fingerprints.append(fingerprint())
    (tmp_path / "a/3.jpg").unlink()
    fingerprints.append(fingerprint())
    assert len(set(fingerprints)) == len(fingerprints)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "holds no folders: expected train/CLASS/"),
        ({"1.jpg": b"x", "2.jpg": b"x"}, "holds no folders: expected"),
        ({"cats/1.jpg": b"x"}, "holds one class, cats: expected .* at least two classes"),
        ({"train/cats/1.jpg": b"x", "validation/cats/1.jpg": b"x"}, "holds one class, cats"),
        ({"test/a/1.jpg": b"x", "test/b/1.jpg": b"x"}, "has test/, and no train/: expected"),
        ({"valid/1.jpg": b"x", "invalid/1.jpg": b"x"}, "has valid/, and no train/: .* If these are classes, rename them"),
        ({"train/1.jpg": b"x", "test/2.jpg": b"x"}, "holds no folders: expected"),
        ({"train/1.jpg": b"x", "test1/2.jpg": b"x"}, "holds no folders: expected"),
        ({"train/a/1.jpg": b"x", "val/a/1.jpg": b"x", "valid/b/1.jpg": b"x"}, "has val/, valid/: expected one of them, for the split val"),
        (
            {"Train/a/1.jpg": b"x", "train/b/1.jpg": b"x", "val/b/1.jpg": b"x"},
            "has Train/, train/: expected one of them, for the split train",
        ),
        ({"animals/a/1.jpg": b"x", "animals/b/1.jpg": b"x"}, "holds one class, animals: .* Did you mean .*pets/animals"),
        ({"__MACOSX/a/._1.jpg": b"x", "a/1.jpg": b"x"}, "holds one class, a"),
        ({"validation/a/1.jpg": b"x", "val/b/1.jpg": b"x"}, "has val/, validation/, and no train/"),
        ({"a/.hidden": b"x", "b/.hidden": b"x"}, "holds the classes a, b, and no file in any of them: expected"),
    ],
)
def test_folders_that_are_no_data(tmp_path, files, message):
    with pytest.raises(ValueError, match=message) as caught:
        FolderSource(str(make(tmp_path / "pets", files) if files else tmp_path))
    assert "\n" not in str(caught.value)


def test_a_class_may_be_in_one_split_alone(tmp_path):
    source = FolderSource(str(make(tmp_path, {"train/a/1.jpg": b"x", "validation/b/1.jpg": b"x"})))
    assert source.labels == ["a", "b"]
    planned = plan(source)
    assert [planned["train", 0, 1][0][1], planned["validation", 0, 1][0][1]] == [0, 1]


@pytest.mark.parametrize(
    ("one", "other"),
    [("caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"), ("cat", "cat "), ("train/Cat", "validation/cat")],
)
def test_classes_that_look_alike_are_refused(tmp_path, one, other):
    parent = "train/" if "/" in one else ""
    make(tmp_path, {f"{name}/1.jpg": b"1" for name in (one, other, f"{parent}dog")})
    first, second = sorted(name.rpartition("/")[2] for name in (one, other))
    said = f"has the classes {first!a} and {second!a}, which look alike"
    with pytest.raises(ValueError, match=re.escape(said)):
        FolderSource(str(tmp_path))


def test_classes_may_differ_in_capitals_alone(tmp_path):
    make(tmp_path, {"a/1.jpg": b"1", "A/1.jpg": b"1"})
    assert FolderSource(str(tmp_path)).labels == ["A", "a"]
