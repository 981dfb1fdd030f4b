from zfnet.components.artifacts import Artifact


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
