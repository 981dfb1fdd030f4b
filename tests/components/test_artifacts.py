from zfnet.components.artifacts import Artifact, Evaluation, Model


def make(path, **files):
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return Artifact(path)


def test_files_are_found_below_in_order(tmp_path):
    artifact = make(tmp_path, **{"b": "", "a/z": "", "a/y/x": ""})
    assert [str(file.relative_to(artifact.path)) for file in artifact.files()] == ["a/y/x", "a/z", "b"]


def test_digest_depends_on_names_and_contents_alone(tmp_path):
    one = make(tmp_path / "one", first="1", second="2")
    assert one.digest() == make(tmp_path / "two", second="2", first="1").digest()
    assert one.digest() != make(tmp_path / "three", first="2", second="1").digest()
    assert one.digest() != make(tmp_path / "four", first="1", other="2").digest()


def test_sizes_of_all_files(tmp_path):
    assert make(tmp_path / "one", **{"b": "12", "a/y/x": "123"}).sizes() == {"b": 2, "a/y/x": 3}
    assert Artifact(tmp_path / "none").sizes() == {}


def test_properties_are_what_is_short(tmp_path):
    assert make(tmp_path, **{"evaluation.json": "{}"}).properties() == {}
    text = '{"top1_error": 0.5, "blessed": true, "reason": null, "classes": [0.5], "more": {}}'
    assert Evaluation(make(tmp_path, **{"evaluation.json": text}).path).properties() == {"top1_error": 0.5, "blessed": True, "reason": None}
    assert Evaluation(tmp_path / "none").properties() == {}


def test_a_model_records_what_its_start_gave(tmp_path):
    text = '{"epochs": 3, "start_from": "a.keras", "start_layers": ["conv1"], "new_layers": ["fc6", "predictions"]}'
    made = make(tmp_path, **{"recipe.json": text})
    assert Model(made.path).properties() == {"start_layers": ["conv1"], "new_layers": ["fc6", "predictions"]}
    assert Model(make(tmp_path / "other", **{"recipe.json": '{"epochs": 3}'}).path).properties() == {}
    assert Model(tmp_path / "none").properties() == {}
